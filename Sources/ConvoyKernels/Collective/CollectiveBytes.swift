/// How a collective divides numbers among ranks, and what each rank sends.
///
/// Source: P. Patarasuk and X. Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
/// workstations", 2009: in a ring, each rank sends (count − 1) ∕ count of the numbers for each half
/// of an all-reduce, which is the least that any algorithm can send.
/// the least that any algorithm can send.
extension Collective {
  /// The share of `count` numbers of one of several ranks; shares differ by at most one number.
  package static func share(of count: Int, rank: Int, of ranks: Int) -> Range<Int> {
    let (least, longer) = count.quotientAndRemainder(dividingBy: ranks)
    let start = rank * least + min(rank, longer)
    return start..<start + least + (rank < longer ? 1 : 0)
  }

  /// The bytes that a rank sends to others in this collective, without headers: the increment of
  /// `Communicator.bytesSent`.
  ///
  /// - Parameters:
  ///   - rank: the rank, from 0.
  ///   - ranks: the number of ranks.
  /// - Complexity: O(1).
  package func bytesSent(byRank rank: Int, of ranks: Int) -> Int {
    guard ranks > 1 else { return 0 }
    return floatsSent(byRank: rank, of: ranks) * MemoryLayout<Float>.stride
  }

  /// The numbers of each rank's input and output.
  package func counts(ranks: Int) -> (input: Int, output: Int) {
    switch self {
    case .allReduce(let count), .broadcast(let count, _): (count, count)
    case .allGather(let count): (count, count * ranks)
    case .reduceScatter(let count): (count * ranks, count)
    }
  }

  private func floatsSent(byRank rank: Int, of ranks: Int) -> Int {
    switch self {
    case .allReduce(let count):
      // In a reduce-scatter, a rank sends every share but its own; in an all-gather, every share
      // but the next rank's.
      let own = Collective.share(of: count, rank: rank, of: ranks).count
      let next = Collective.share(of: count, rank: (rank + 1) % ranks, of: ranks).count
      return 2 * count - own - next
    case .allGather(let count), .reduceScatter(let count):
      return (ranks - 1) * count
    case .broadcast(let count, let root):
      let isLast = (rank + 1) % ranks == root
      return isLast ? 0 : count
    }
  }
}
