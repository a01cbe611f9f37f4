/// What is done to sums before they are written: something is added, a function is applied. What sums begin
/// with, the bias, is the tile's own affair: most begin with it.
package struct Epilogue: Hashable, Sendable {
  /// Whether something is added to each sum.
  package var addsResidual: Bool
  /// What is applied to each sum.
  package var tail: TileTail

  /// Finishes the sums of some rows of outputs and writes them.
  ///
  /// - Parameters:
  ///   - rows: where they go, row by row.
  ///   - sums: all of them; in this order the function is applied.
  ///   - free: registers that may be overwritten.
  ///   - table: will hold the address of the function's constants.
  package func write(
    _ rows: some Sequence<OutputRow>, sums: [Vector], free: [Vector], table: Integer,
    _ w: any TileWriter
  ) {
    if addsResidual {
      for row in rows {
        let place = row.point(w, true)
        for (sum, offset) in row.sums { w.add(sum, sum, place + offset) }
      }
    }
    tail.apply(to: sums, free: free, table: table, w)
    for row in rows {
      let place = row.point(w, false)
      for (sum, offset) in row.sums { w.store(place + offset, sum) }
    }
  }
}

/// Sums that lie at fixed distances in the output.
package struct OutputRow {
  /// The sums, and each one's bytes from the row's place.
  package var sums: [(sum: Vector, offset: Int)]
  /// Makes the row's place in the output, or in what is added to it.
  package var point: (_ w: any TileWriter, _ isResidual: Bool) -> Place
}

extension OutputRow {
  /// The rows of a tile's outputs, each of which begins at an address among the arguments: the first row of all
  /// planes, then the second, ….
  ///
  /// - Parameters:
  ///   - sums: for each pixel, row by row, the vectors of all planes.
  ///   - rows: rows of pixels of a plane.
  ///   - planes: how many planes there are.
  ///   - columnStep: bytes from a column to the next.
  ///   - pointer: will hold a row's address.
  ///   - column: holds the bytes from a row's first output to the tile's.
  ///   - vector: holds the bytes from a pixel to the vector of it that is computed, where tiles take turns
  ///     at them.
  package static func all(
    _ sums: [[Vector]], rows: Int, planes: Int, columnStep: Int, pointer: Integer,
    column: Integer, vector: Integer? = nil, _ unit: VectorUnit
  ) -> [OutputRow] {
    let columns = sums.count / rows
    return (0..<planes * rows).map { index in
      let (row, plane) = index.quotientAndRemainder(dividingBy: planes)
      func point(_ w: any TileWriter, _ isResidual: Bool) -> Place {
        w.load(pointer, w.argument(.outputs, plane * rows + row))
        if isResidual { w.advance(pointer, by: w.argument(.residuals, plane)) }
        if let vector { w.advance(pointer, by: vector) }
        return pointer + column
      }
      let pixels = sums[row * columns..<(row + 1) * columns]
      return OutputRow(
        sums: pixels.enumerated().flatMap { column, vectors in
          let parts = vectors.count / planes
          return vectors[plane * parts..<(plane + 1) * parts].enumerated().map { part, sum in
            (sum, column * columnStep + part * unit.vectorBytes)
          }
        }, point: point)
    }
  }
}
