import ConvoyKernels
import Synchronization

/// The exchanges of one communicator and priority: a ring of ranks with its own tags.
///
/// `@unchecked Sendable`: mutable state is used by the progress thread only, except for the count
/// of bytes, which is atomic.
final class Channel: @unchecked Sendable {
  /// Tags of a channel: enough that a round's tag is free long before it is used again.
  static let tagCount = 64
  /// Rounds of a channel in flight: while one adds, the messages of others travel.
  static let roundsAtOnce = 4

  /// The number that distinguishes channels of the same ranks; 0 is that of control messages. Ranks
  /// wait for exchanges of even channels.
  let context: Int
  /// The channel's ranks of the transport, in order.
  let members: [Int]
  /// The index of this rank among the members.
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

  /// Advances all rounds in flight, and begins others if there is room.
  ///
  /// - Parameters:
  ///   - beginningSteps: whether new messages may be sent.
  ///   - didEnd: called with each exchange that has finished.
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

  /// Cancels everything in flight; afterwards callers' memory is not written to.
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
