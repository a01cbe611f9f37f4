public import ConvoyTensors
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Communication between the processes that `mpirun` starts.
public enum MPICommunicator {
  /// Whether this build supports several processes: it does if it was built with the trait `MPI`.
  public static var isAvailable: Bool {
    #if MPI
      true
    #else
      false
    #endif
  }

  /// Joins the ranks that `mpirun` has started. It must be called once; `RingCommunicator.shutDown`
  /// ends it.
  ///
  /// From then on, SIGTERM, by which `mpirun` ends all ranks when one has died, is a failure like
  /// any other, and is reported in a sentence that names the rank that does not answer.
  ///
  /// - Parameters:
  ///   - timeLimit: seconds without a message after which a rank is lost.
  ///   - whenFailed: called once with a failure, immediately and on another thread. It is the place
  ///     to print the failure: a rank that computes notices it late, and `mpirun` may end the
  ///     process a second after SIGTERM.
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
  /// Set by SIGTERM's handler, and read by the progress thread.
  private let isToldToStop = Atomic<Bool>(false)
#endif
