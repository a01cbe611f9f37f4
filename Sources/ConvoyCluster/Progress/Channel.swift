import ConvoyKernels
import Synchronization

/// The exchanges of one communicator and priority: a ring of ranks, with tags of its own.
///
/// `@unchecked Sendable`: what changes belongs to the progress thread, but for the bytes, which are atomic.
final class Channel: @unchecked Sendable {
  /// Tags for each channel; with as many, a round's tag is free again long before its next use.
  static let tagCount = 64
  /// Rounds of one channel under way at a time: while one adds, the others' messages move.
  static let roundsAtOnce = 4

  /// Tells the channel from others that the same ranks share; 0 is the notes'. Even ones are awaited.
  let context: Int
  /// The ranks of the transport that belong to it, in order.
  let members: [Int]
  /// Which of the members this rank is.
  let rank: Int
  let pieceLength: Int
  /// Bytes sent so far.
  let bytesSent = Atomic<Int>(0)

  private var waiting: [Exchange] = []
  private var rounds: [Round] = []
  private var roundCount = 0
  private var freeStaging: [UnsafeMutablePointer<Float>] = []

  init(context: Int, members: [Int], rank: Int, pieceLength: Int) {
    self.context = context
    self.members = members
    self.rank = rank
    self.pieceLength = pieceLength
  }

  deinit {
    for memory in freeStaging { memory.deallocate() }
  }

  /// Whether ranks wait for its exchanges.
  var isUrgent: Bool { context.isMultiple(of: 2) }

  var isIdle: Bool { waiting.isEmpty && rounds.isEmpty }

  func append(_ exchange: Exchange) { waiting.append(exchange) }

  /// Makes progress on all rounds, and begins others where there is room.
  ///
  /// - Parameters:
  ///   - beginningSteps: whether messages may be sent that are not on their way yet.
  ///   - didEnd: told of each exchange that is over.
  /// - Returns: whether anything happened.
  func advance(
    over transport: any Transport, beginningSteps: Bool, didEnd: (Exchange) -> Void
  ) -> Bool {
    let previous = members[(rank + members.count - 1) % members.count]
    let next = members[(rank + 1) % members.count]
    var didAnything = beginningSteps && beginRounds()
    for index in rounds.indices {
      let didAdvance = rounds[index].advance(
        over: transport, from: previous, to: next, beginningSteps: beginningSteps
      ) { bytes in
        bytesSent.wrappingAdd(bytes, ordering: .relaxed)
      }
      didAnything = didAnything || didAdvance
    }
    for round in rounds where round.isOver {
      freeStaging.append(round.staging)
      round.exchange.endedRounds += 1
      if round.exchange.endedRounds == round.exchange.route.roundCount { didEnd(round.exchange) }
    }
    rounds.removeAll { $0.isOver }
    return didAnything
  }

  /// Cancels everything in flight; after this nothing is written to callers' memory.
  func cancel(over transport: any Transport) {
    for index in rounds.indices {
      rounds[index].cancel(over: transport)
      freeStaging.append(rounds[index].staging)
    }
    rounds = []
    waiting = []
  }

  private func beginRounds() -> Bool {
    var didAnything = false
    while rounds.count < Channel.roundsAtOnce, let exchange = waiting.first {
      let tag = context * Channel.tagCount + roundCount % Channel.tagCount
      let staging = freeStaging.popLast() ?? .allocate(capacity: 2 * pieceLength)
      rounds.append(Round(exchange, index: exchange.begunRounds, tag: tag, staging: staging))
      roundCount += 1
      exchange.begunRounds += 1
      if exchange.begunRounds == exchange.route.roundCount { waiting.removeFirst() }
      didAnything = true
    }
    return didAnything
  }
}
