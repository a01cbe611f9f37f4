public import ConvoyKernels
public import ConvoyTensors
import Synchronization

/// A communicator whose ranks form a ring; exchanges run while callers compute.
///
/// Each rank has a progress thread, which transfers the messages of all communicators that share a
/// connection. Exchanges of one communicator and priority run in the order in which they begin, a
/// few messages at a time; exchanges that ranks wait for do not queue behind those in the
/// background. The order of a sum depends only on the number of ranks and the count, and is the
/// same on every rank.
///
/// Ranks send heartbeats, whether they exchange or compute. If a rank sends none within the time
/// limit, the job ends on all ranks, and `failure` names the rank.
///
/// `@unchecked Sendable`: mutable state is guarded by locks.
public final class RingCommunicator: Communicator, @unchecked Sendable {
  /// The index of this rank, from 0.
  public var rank: Int { channel.rank }
  /// The number of ranks.
  public var count: Int { channel.members.count }
  /// The error that ended the job; nil while the job runs.
  public var failure: ConvoyError? { family.thread.failure }
  /// Bytes that this rank has sent in exchanges of this communicator.
  public var bytesSent: Int {
    channel.bytesSent.load(ordering: .relaxed) + background.bytesSent.load(ordering: .relaxed)
  }

  /// The communicators that share a connection; the last one to be shut down ends its thread.
  final class Family: Sendable {
    let thread: ProgressThread
    let transport: any Transport
    /// The number of the next communicator; all its ranks agree on it.
    let nextContext = POSIXMutex(2)

    init(_ thread: ProgressThread, _ transport: any Transport) {
      self.thread = thread
      self.transport = transport
    }

    deinit { thread.leave(over: transport) }
  }

  let family: Family
  let channel: Channel
  /// The channel of exchanges that ranks do not wait for.
  private let background: Channel
  private let exchanges = POSIXMutex<[Int: Exchange]>([:])

  /// A communicator of some of a family's ranks.
  ///
  /// - Parameters:
  ///   - context: a number from 1 that no other communicator of the same ranks has.
  ///   - members: the ranks of the transport, in order.
  init(_ family: Family, context: Int, members: [Int], rank: Int, pieceLength: Int) {
    self.family = family
    channel = Channel(
      context: 2 * context, members: members, rank: rank, pieceLength: pieceLength)
    background = Channel(
      context: 2 * context + 1, members: members, rank: rank, pieceLength: pieceLength)
  }

  /// Starts a rank's thread on a transport that the thread itself opens.
  ///
  /// - Parameter now: seconds since an arbitrary moment, by which the time limit is kept.
  package convenience init(
    timeLimit: Double, pieceLength: Int = 65_536,
    now: @escaping @Sendable () -> Double = monotonicSeconds,
    isToldToStop: @escaping @Sendable () -> Bool = { false },
    whenFailed: @escaping @Sendable (ConvoyError) -> Void = { _ in },
    opening open: @escaping @Sendable () throws(ConvoyError) -> any Transport
  ) throws(ConvoyError) {
    let thread = ProgressThread(
      ProgressThread.Settings(
        timeLimit: timeLimit, pieceLength: pieceLength, whenFailed: whenFailed,
        isToldToStop: isToldToStop, now: now))
    let transport = try thread.start(open)
    self.init(
      Family(thread, transport), context: 1, members: Array(0..<transport.count),
      rank: transport.rank, pieceLength: pieceLength)
  }

  /// Communicators of ranks that are threads of this process.
  ///
  /// - Parameters:
  ///   - count: the number of ranks, at least 1.
  ///   - timeLimit: seconds without a message after which a rank is lost.
  /// - Throws: `ConvoyError` if the count is below 1, or threads cannot be started.
  public static func inProcess(
    count: Int, timeLimit: Double = 15
  ) throws(ConvoyError) -> [RingCommunicator] {
    guard count > 0 else {
      throw ConvoyError(.argument, "A communicator has at least 1 rank, not \(count).")
    }
    var communicators: [RingCommunicator] = []
    for transport in InProcessTransport.joined(count: count) {
      communicators.append(try RingCommunicator(timeLimit: timeLimit) { transport })
    }
    return communicators
  }

  /// Begins an exchange: see `Communicator`.
  ///
  /// - Precondition: no exchange with this tag is in flight.
  public func begin(
    _ collective: Collective, tag: Int, from source: UnsafePointer<Float>,
    to destination: UnsafeMutablePointer<Float>, priority: ExchangePriority
  ) {
    let channel = priority == .awaited ? channel : background
    let route = RingRoute(
      collective: collective, rank: rank, ranks: count, pieceLength: channel.pieceLength)
    let exchange = Exchange(route, from: source, to: destination)
    exchanges.withLock { exchanges in
      precondition(exchanges[tag] == nil, "The tag \(tag) belongs to an exchange under way.")
      exchanges[tag] = exchange
    }
    if count == 1 {
      destination.update(from: source, count: collective.counts(ranks: 1).input)
      exchange.isOver = true
    } else if route.roundCount == 0 {
      exchange.isOver = true
    } else {
      family.thread.begin(exchange, on: channel, over: family.transport)
    }
  }

  /// Waits until an exchange is over, or the job has failed: see `Communicator`.
  ///
  /// - Precondition: an exchange with this tag has begun, and has not been waited for.
  public func finish(tag: Int) {
    let exchange = exchanges.withLock { $0.removeValue(forKey: tag) }
    guard let exchange else {
      preconditionFailure("No exchange of the tag \(tag) has begun.")
    }
    family.thread.finish(exchange)
  }

  /// Ends the job on all ranks because this rank cannot go on; returns when this rank's `failure`
  /// is set.
  ///
  /// - Parameter reason: the reason, as the continuation of “Rank 2 (host) stopped: ”.
  public func abort(_ reason: String) {
    family.thread.abort(reason, over: family.transport)
  }

  /// Waits until the job has failed on this rank, or the connection is closed.
  package func waitForFailure() {
    family.thread.waitForFailure()
  }

  /// Waits until all ranks have finished, and closes the connection of all communicators that share
  /// it.
  ///
  /// After a failure, the other ranks have a few seconds to report it; then MPI ends all processes
  /// of the job, including this one.
  public func shutDown() {
    family.thread.leave(over: family.transport)
    family.thread.waitForEnd()
  }
}
