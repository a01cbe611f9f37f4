public import ConvoyTensors

/// An exchange of numbers in which every rank of a communicator takes part.
public enum Collective: Hashable, Sendable {
  /// All ranks' numbers are added, and every rank gets the sums: `count` in, `count` out.
  case allReduce(count: Int)
  /// Every rank gets all ranks' numbers, in the order of the ranks: `count` in, `count` · ranks
  /// out.
  case allGather(count: Int)
  /// All ranks' numbers are added, and each rank gets its share of the sums: `count` · ranks in,
  /// `count` out.
  case reduceScatter(count: Int)
  /// Every rank gets the root's numbers: `count` in (read at the root only), `count` out.
  case broadcast(count: Int, root: Int)
}

/// Whether the rank waits for an exchange from its beginning.
public enum ExchangePriority: Hashable, Sendable {
  /// The rank waits until the exchange is over: it precedes exchanges in the background.
  case awaited
  /// The rank computes while the exchange is in flight.
  case background
}

/// Ranks that compute together and exchange numbers: the interface that collective operators use.
///
/// A rank is a process or a thread. Every rank begins the same exchanges of each priority in the
/// same order, and may compute while they are in flight. The order of additions depends on the
/// ranks alone, so that every rank gets the same bits in every run.
///
/// Nothing here throws, since kernels cannot. After a failure, `failure` is set, and every call
/// returns at once, with undefined numbers. `Plan` checks for failures in each run.
/// returns at once, with numbers that mean nothing. `Plan` looks after each run.
public protocol Communicator: AnyObject, Sendable {
  /// The index of this rank, from 0.
  var rank: Int { get }
  /// The number of ranks.
  var count: Int { get }
  /// The failure that ended the exchanges; nil if there is none.
  var failure: ConvoyError? { get }
  /// The bytes that this rank has sent to others, without headers.
  var bytesSent: Int { get }

  /// Begins an exchange.
  ///
  /// - Parameters:
  ///   - tag: identifies the exchange for `finish`; a tag of no other exchange in flight.
  ///   - source: this rank's numbers, which must not change before `finish` returns.
  ///   - destination: the address of the results: the same as `source`, or disjoint from it.
  ///   - priority: the same on every rank.
  func begin(
    _ collective: Collective, tag: Int, from source: UnsafePointer<Float>,
    to destination: UnsafeMutablePointer<Float>, priority: ExchangePriority)

  /// Waits until an exchange is over; must be called once for each that began. Its tag may be used
  /// again afterwards.
  func finish(tag: Int)
}

extension Communicator {
  /// Begins an exchange that the rank waits for: see `begin(_:tag:from:to:priority:)`.
  public func begin(
    _ collective: Collective, tag: Int, from source: UnsafePointer<Float>,
    to destination: UnsafeMutablePointer<Float>
  ) {
    begin(collective, tag: tag, from: source, to: destination, priority: .awaited)
  }
}
