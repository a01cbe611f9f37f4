import ConvoyKernels
import ConvoyTensors

/// A communicator that leaves out the exchanges of some priorities: results then have the right size, made of
/// this rank's own numbers. For timing what a step takes without them.
///
/// `@unchecked Sendable`: used by a rank's thread alone.
final class QuietableCommunicator: Communicator, @unchecked Sendable {
  /// Which exchanges are not made.
  var quiet: Set<ExchangePriority> = []
  private let base: any Communicator
  /// Those under way that are not made.
  private var quietTags: Set<Int> = []

  init(_ base: any Communicator) { self.base = base }

  var rank: Int { base.rank }
  var count: Int { base.count }
  var failure: ConvoyError? { base.failure }
  var bytesSent: Int { base.bytesSent }

  func begin(
    _ collective: Collective, tag: Int, from source: UnsafePointer<Float>,
    to destination: UnsafeMutablePointer<Float>, priority: ExchangePriority
  ) {
    guard quiet.contains(priority) else {
      return base.begin(
        collective, tag: tag, from: source, to: destination, priority: priority)
    }
    quietTags.insert(tag)
    switch collective {
    case .allReduce(let count), .broadcast(let count, _):
      destination.update(from: source, count: count)
    case .allGather(let count):
      for place in 0..<self.count {
        (destination + place * count).update(from: source, count: count)
      }
    case .reduceScatter(let count):
      destination.update(from: source + rank * count, count: count)
    }
  }

  func finish(tag: Int) {
    if quietTags.remove(tag) == nil { base.finish(tag: tag) }
  }
}
