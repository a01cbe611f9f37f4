import ConvoyKernels
import ConvoyTensors

/// A communicator that can skip exchanges of some priorities, to time a step without them. The
/// results then have the right size, but only this rank's numbers.
///
/// `@unchecked Sendable`: only the rank's thread uses it.
final class QuietableCommunicator: Communicator, @unchecked Sendable {
  /// The priorities whose exchanges are skipped.
  var quiet: Set<ExchangePriority> = []
  private let base: any Communicator
  /// The tags of skipped exchanges that have begun.
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
