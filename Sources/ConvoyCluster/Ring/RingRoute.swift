import ConvoyKernels

/// The way of one collective round a ring: what a rank sends to the next one and receives from the one before,
/// step by step.
///
/// The numbers are divided into one part a rank, and the parts into pieces of some length at most. The k-th
/// pieces of all parts make the k-th round; rounds are independent of each other, so that several can be under
/// way, one adding while another receives.
///
/// Adding, part c starts at rank c + 1 and collects sums on its way round to rank c, where it is complete;
/// gathering, part c starts at rank c. A sum's order therefore depends on its part alone.
struct RingRoute {
  /// Where numbers lie, as a range of floats.
  enum Place: Equatable {
    case source(Range<Int>)
    case destination(Range<Int>)
    /// One of two pieces of memory that belong to the round, used in turn.
    case staging(Int, count: Int)

    var count: Int {
      switch self {
      case .source(let range), .destination(let range): range.count
      case .staging(_, let count): count
      }
    }
  }

  /// What happens at once; the next step begins when both messages are over and the sum is made.
  struct Step: Equatable {
    var sent: Place?
    var received: Place?
    /// Numbers of this rank, and where their sum with what was received goes.
    var addend: Place?
    var sum: Place?
  }

  let collective: Collective
  let rank: Int
  let ranks: Int
  /// The longest message, in floats.
  let pieceLength: Int

  /// How many pieces the longest part has.
  var roundCount: Int {
    let longest =
      switch collective {
      case .allReduce: part(0).count
      case .allGather(let count), .reduceScatter(let count), .broadcast(let count, _): count
      }
    return (longest + pieceLength - 1) / pieceLength
  }

  /// How many steps each round has.
  var stepCount: Int {
    switch collective {
    case .allReduce: 2 * (ranks - 1)
    case .allGather, .reduceScatter: ranks - 1
    case .broadcast: 2
    }
  }

  /// What is copied from source to destination when a round begins.
  func copied(inRound round: Int) -> (from: Range<Int>, to: Range<Int>)? {
    switch collective {
    case .allReduce, .reduceScatter: nil
    case .allGather: (piece(round, of: 0..<part(0).count), piece(round, of: part(rank)))
    case .broadcast(_, let root):
      rank == root ? (piece(round, of: part(0)), piece(round, of: part(0))) : nil
    }
  }

  /// What happens in one step of a round.
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

  /// The numbers that belong to a rank, counted round the ring; all of them where they are not divided.
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
