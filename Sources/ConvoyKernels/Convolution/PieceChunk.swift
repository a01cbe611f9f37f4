/// A chunk of one of several pieces of work.
struct PieceChunk: Hashable, Sendable {
  var piece: Int
  var chunk: Int

  /// The chunks of pieces, piece after piece.
  ///
  /// - Parameter counts: the number of chunks of each piece.
  static func inOrder(_ counts: [Int]) -> [PieceChunk] {
    counts.indices.flatMap { piece in
      (0..<counts[piece]).map { PieceChunk(piece: piece, chunk: $0) }
    }
  }

  /// The chunks of pieces, interleaved: at any time, about the same share of each piece's chunks
  /// has begun.
  static func interleaved(_ counts: [Int]) -> [PieceChunk] {
    func position(_ place: PieceChunk) -> Double {
      Double(place.chunk) / Double(counts[place.piece])
    }
    return inOrder(counts).sorted { (position($0), $0.piece) < (position($1), $1.piece) }
  }
}

extension Chunks {
  /// Divides the work of generated micro-kernels into chunks of some tens of microseconds.
  ///
  /// - Parameters:
  ///   - multiplyAdds: the cost of one item.
  ///   - most: an approximate upper bound on the items of a chunk.
  init(generated items: Int, multiplyAdds: Int, most: Int = .max) {
    let cost = (multiplyAdds * Chunks.worthwhile) >> 20
    self.init(items: items, cost: max(1, cost, Chunks.worthwhile / most))
  }
}
