public import ConvoyTensors
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The ranks that `mpirun` has started.
public enum MPICommunicator {
  /// Whether this build can talk to other processes: it can if it was made with the trait `MPI`.
  public static var isAvailable: Bool {
    #if MPI
      true
    #else
      false
    #endif
  }

  /// Joins the ranks that `mpirun` has started. To be called once; `RingCommunicator.shutDown` ends it.
  ///
  /// From here on SIGTERM, by which `mpirun` ends all ranks when one has died, is a failure like others: it is
  /// told in one sentence that names the rank which does not answer.
  ///
  /// - Parameters:
  ///   - timeLimit: seconds without any sign of a rank after which it counts as lost.
  ///   - whenFailed: told of a failure, once and at once, on a thread that is not the caller's: the place to
  ///     print it, since a rank that computes learns of it late, and `mpirun` may end the process a second
  ///     after SIGTERM.
  /// - Throws: `ConvoyError` of kind `resource` if this build lacks MPI, or MPI does not start.
  public static func start(
    timeLimit: Double = 15, whenFailed: @escaping @Sendable (ConvoyError) -> Void = { _ in }
  ) throws(ConvoyError) -> RingCommunicator {
    #if MPI
      let communicator = try RingCommunicator(
        timeLimit: timeLimit,
        isToldToStop: { isToldToStop.load(ordering: .relaxed) },
        whenFailed: whenFailed
      ) { () throws(ConvoyError) -> any Transport in try MPITransport() }
      signal(SIGTERM) { _ in isToldToStop.store(true, ordering: .relaxed) }
      return communicator
    #else
      throw ConvoyError(
        .resource,
        "This build cannot exchange numbers with other processes: build it with `--traits MPI`.")
    #endif
  }
}

#if MPI
  /// Set by SIGTERM's handler, read by the progress thread.
  private let isToldToStop = Atomic<Bool>(false)
#endif
