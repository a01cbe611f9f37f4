import ConvoyKernels

/// The steps of one collective on a ring: in each, a rank sends to the next one and receives from
/// the previous one.
///
/// The numbers are divided into a part for each rank, and parts into pieces of limited length. The
/// k-th pieces of all parts form the k-th round. Rounds are independent of each other, so several
/// can be in flight: one adds while another receives.
///
/// In a reduction, part c starts at rank c + 1 and is added to on its way to rank c, where the sum
/// is complete. In a gathering, part c starts at rank c. The order of a sum therefore depends only
/// on its part.
struct RingRoute {
  /// A memory range, in floats.
  enum Place: Equatable {
    case source(Range<Int>)
    case destination(Range<Int>)
    /// One of the round's two pieces of memory, which alternate.
    case staging(Int, count: Int)

    var count: Int {
      switch self {
      case .source(let range), .destination(let range): range.count
      case .staging(_, let count): count
      }
    }
  }

  /// The actions of a step; the next step begins when both messages are complete and the sum is
  /// computed.
  struct Step: Equatable {
    var sent: Place?
    var received: Place?
    /// Numbers of this rank, and the destination of their sum with the received ones.
    var addend: Place?
    var sum: Place?
  }

  let collective: Collective
  let rank: Int
  let ranks: Int
  /// The largest length of a message, in floats.
  let pieceLength: Int

  /// The number of pieces in the longest part.
  var roundCount: Int {
    let longest =
      switch collective {
      case .allReduce: part(0).count
      case .allGather(let count), .reduceScatter(let count), .broadcast(let count, _): count
      }
    return (longest + pieceLength - 1) / pieceLength
  }

  /// The number of steps in a round.
  var stepCount: Int {
    switch collective {
    case .allReduce: 2 * (ranks - 1)
    case .allGather, .reduceScatter: ranks - 1
    case .broadcast: 2
    }
  }

  /// The range that is copied from source to destination when a round begins.
  func copied(inRound round: Int) -> (from: Range<Int>, to: Range<Int>)? {
    switch collective {
    case .allReduce, .reduceScatter: nil
    case .allGather: (piece(round, of: 0..<part(0).count), piece(round, of: part(rank)))
    case .broadcast(_, let root):
      rank == root ? (piece(round, of: part(0)), piece(round, of: part(0))) : nil
    }
  }

  /// The actions of one step of a round.
  func step(_ index: Int, ofRound round: Int) -> Step {
    switch collective {
    case .allReduce:
      index < ranks - 1
        ? addingStep(index, round, last: .destination(piece(round, of: part(rank))))
        : gatheringStep(index - (ranks - 1), round)
    case .reduceScatter(let count):
      addingStep(index, round, last: .destination(piece(round, of: 0..<count)))
    case .allGather:
      gatheringStep(index, round)
    case .broadcast(_, let root):
      chainStep(index, round, position: (rank - root + ranks) % ranks)
    }
  }

  private func addingStep(_ index: Int, _ round: Int, last: Place) -> Step {
    let leaving = piece(round, of: part(rank - 1 - index))
    let arriving = piece(round, of: part(rank - 2 - index))
    let staging = Place.staging(index % 2, count: arriving.count)
    return Step(
      sent: index == 0
        ? .source(leaving) : .staging((index - 1) % 2, count: leaving.count),
      received: staging,
      addend: .source(arriving),
      sum: index == ranks - 2 ? last : staging)
  }

  private func gatheringStep(_ index: Int, _ round: Int) -> Step {
    Step(
      sent: .destination(piece(round, of: part(rank - index))),
      received: .destination(piece(round, of: part(rank - 1 - index))))
  }

  private func chainStep(_ index: Int, _ round: Int, position: Int) -> Step {
    let whole = Place.destination(piece(round, of: part(0)))
    return index == 0
      ? Step(received: position > 0 ? whole : nil)
      : Step(sent: position < ranks - 1 ? whole : nil)
  }

  /// The numbers of a rank's part, by its index on the ring; all numbers if they are not divided.
  private func part(_ index: Int) -> Range<Int> {
    let owner = (index % ranks + ranks) % ranks
    switch collective {
    case .allReduce(let count): return Collective.share(of: count, rank: owner, of: ranks)
    case .allGather(let count), .reduceScatter(let count):
      return owner * count..<(owner + 1) * count
    case .broadcast(let count, _): return 0..<count
    }
  }

  private func piece(_ round: Int, of part: Range<Int>) -> Range<Int> {
    let start = min(part.lowerBound + round * pieceLength, part.upperBound)
    return start..<min(start + pieceLength, part.upperBound)
  }
}
