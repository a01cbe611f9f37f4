public import ConvoyTensors

/// An exchange of numbers in which every rank of a communicator takes part.
public enum Collective: Hashable, Sendable {
  /// All ranks' numbers are added, and every rank has the sums: `count` in, `count` out.
  case allReduce(count: Int)
  /// Every rank has all ranks' numbers, rank by rank: `count` in, `count` · ranks out.
  case allGather(count: Int)
  /// All ranks' numbers are added, and each rank has its share of the sums: `count` · ranks in, `count`
  /// out.
  case reduceScatter(count: Int)
  /// Every rank has what one of them had: `count` in (read at the root only), `count` out.
  case broadcast(count: Int, root: Int)
}

/// Whether anybody waits for an exchange from its beginning on.
public enum ExchangePriority: Hashable, Sendable {
  /// The rank does nothing until it is over: it goes before those in the background.
  case awaited
  /// The rank computes meanwhile.
  case background
}

/// Ranks that compute together and exchange numbers: what collective operators call.
///
/// A rank is a process or a thread of its own. Every rank begins the same exchanges of each priority in the
/// same order, and may compute while they go on. Sums are made in an order that depends on the ranks alone,
/// so that every rank has the same bits, run after run.
///
/// Nothing here throws, since kernels cannot: after a failure, `failure` says what happened, and everything
/// returns at once, with numbers that mean nothing. `Plan` looks after each run.
public protocol Communicator: AnyObject, Sendable {
  /// Which of the ranks this is, from 0.
  var rank: Int { get }
  /// How many ranks there are.
  var count: Int { get }
  /// What ended the exchanges, as one sentence; nil while all is well.
  var failure: ConvoyError? { get }
  /// Bytes that this rank has sent to others, without headers.
  var bytesSent: Int { get }

  /// Begins an exchange.
  ///
  /// - Parameters:
  ///   - tag: by what `finish` will know it; not that of another exchange under way.
  ///   - source: this rank's numbers; not to be changed before `finish` returns.
  ///   - destination: where results go; the same place as `source`, or apart from it.
  ///   - priority: the same on every rank.
  func begin(
    _ collective: Collective, tag: Int, from source: UnsafePointer<Float>,
    to destination: UnsafeMutablePointer<Float>, priority: ExchangePriority)

  /// Waits until an exchange is over; to be called once for each that began. Its tag may be used again.
  func finish(tag: Int)
}

extension Communicator {
  /// Begins an exchange that the rank will wait for: see `begin(_:tag:from:to:priority:)`.
  public func begin(
    _ collective: Collective, tag: Int, from source: UnsafePointer<Float>,
    to destination: UnsafeMutablePointer<Float>
  ) {
    begin(collective, tag: tag, from: source, to: destination, priority: .awaited)
  }
}
