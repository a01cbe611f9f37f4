/// A chunk of one of several pieces of work.
struct PieceChunk: Hashable, Sendable {
  var piece: Int
  var chunk: Int

  /// The chunks of pieces, piece after piece.
  ///
  /// - Parameter counts: for each piece, how many chunks it has.
  static func inOrder(_ counts: [Int]) -> [PieceChunk] {
    counts.indices.flatMap { piece in
      (0..<counts[piece]).map { PieceChunk(piece: piece, chunk: $0) }
    }
  }

  /// The chunks of pieces that take turns: each has done as large a share of its chunks as the others.
  static func interleaved(_ counts: [Int]) -> [PieceChunk] {
    func position(_ place: PieceChunk) -> Double {
      Double(place.chunk) / Double(counts[place.piece])
    }
    return inOrder(counts).sorted { (position($0), $0.piece) < (position($1), $1.piece) }
  }
}

extension Chunks {
  /// Cuts the work of generated kernels so that a chunk takes some tens of microseconds.
  ///
  /// - Parameters:
  ///   - multiplyAdds: what one item costs.
  ///   - most: items of a chunk, at most, about.
  init(generated items: Int, multiplyAdds: Int, most: Int = .max) {
    let cost = (multiplyAdds * Chunks.worthwhile) >> 20
    self.init(items: items, cost: max(1, cost, Chunks.worthwhile / most))
  }
}
