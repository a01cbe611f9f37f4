import ConvoyGraphs

/// A run of equal blocks, of which the first is kept.
struct NetworkRepeat: Hashable {
  /// The boxes of the first block.
  var boxes: Range<Int>
  /// How many blocks there are.
  var count: Int
}

/// Finds runs of consecutive equal blocks: the same operators with the same shapes and costs,
/// connected in the same way.
///
/// The network is cut at every box that all paths go through. Equal pieces between cuts have the
/// same number; a block is one or several pieces, and a run is a periodic part of the sequence of
/// numbers.
struct RepeatFinder {
  private let boxes: [NetworkBox]
  /// The pieces between cuts, in order.
  private var pieces: [Range<Int>] = []
  /// For each piece, a number that equal pieces share.
  private var kinds: [Int] = []

  /// The largest number of pieces in a block.
  private static let mostPieces = 64
  /// The smallest number of boxes that a bracket must save, because it takes space too.
  private static let fewestSpared = 2

  init(_ boxes: [NetworkBox], edges: [(from: Int, to: Int)]) {
    self.boxes = boxes
    var sources = Array(repeating: [Int](), count: boxes.count)
    // For each position, the change in the number of edges that pass it.
    var passing = Array(repeating: 0, count: boxes.count + 2)
    for edge in edges {
      sources[edge.to].append(edge.from)
      if edge.to > edge.from + 1 {
        passing[edge.from + 2] += 1
        passing[edge.to + 1] -= 1
      }
    }
    var (start, count) = (0, 0)
    for place in 1..<max(1, boxes.count) {
      count += passing[place]
      if count == 0 {
        pieces.append(start..<place)
        start = place
      }
    }
    if !boxes.isEmpty { pieces.append(start..<boxes.count) }
    var known: [[Part]: Int] = [:]
    kinds = pieces.map { piece in
      let parts = piece.map { Part(boxes[$0], sources[$0].map { $0 - piece.lowerBound }.sorted()) }
      if let kind = known[parts] { return kind }
      known[parts] = known.count
      return known.count - 1
    }
  }

  /// What must be the same in equal boxes: everything but the name, with inputs relative to the
  /// piece.
  private struct Part: Hashable {
    var work: String
    var tail: [String]
    var role: String
    var shape: [Int]
    var groups: Int
    var ranks: Int
    var parameters: Int
    var multiplyAdds: Int
    var bytes: Int
    var sources: [Int]

    init(_ box: NetworkBox, _ sources: [Int]) {
      (work, tail, shape, groups) = (box.work, box.tail, box.shape, box.groups)
      ranks = box.ranks
      // Inputs and outputs of the network are equal to no other box.
      role = box.role.map { "\($0)" } ?? "end \(box.name)"
      parameters = box.cost.parameters
      multiplyAdds = box.cost.multiplyAdds
      bytes = box.cost.bytes
      self.sources = sources
    }
  }

  /// The runs, none of which overlap, in order.
  var repeats: [NetworkRepeat] {
    var result: [NetworkRepeat] = []
    var index = 1
    while index < pieces.count {
      guard let best = best(from: index) else {
        index += 1
        continue
      }
      let block = pieces[index].lowerBound..<pieces[index + best.period - 1].upperBound
      result.append(NetworkRepeat(boxes: block, count: best.count))
      index += best.period * best.count
    }
    return result
  }

  /// The run from a piece on that saves most boxes; of several, the one with the shortest blocks.
  private func best(from start: Int) -> (period: Int, count: Int)? {
    var best: (period: Int, count: Int)?
    var spared = RepeatFinder.fewestSpared - 1
    for period in 1...RepeatFinder.mostPieces {
      let end = start + period
      guard end + period <= pieces.count else { break }
      var next = end
      while next < pieces.count, kinds[next] == kinds[next - period] { next += 1 }
      let count = (next - start) / period
      let size = pieces[end - 1].upperBound - pieces[start].lowerBound
      // The first block must read what the others read: the result of an equal block.
      let (entry, exit) = (
        boxes[pieces[start].lowerBound - 1], boxes[pieces[end - 1].upperBound - 1]
      )
      guard (count - 1) * size > spared, entry.shape == exit.shape else { continue }
      (best, spared) = ((period, count), (count - 1) * size)
    }
    return best
  }
}
