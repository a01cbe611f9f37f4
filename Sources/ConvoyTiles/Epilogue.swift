/// What is done to sums before they are stored: a residual is added, and a function is applied. The
/// bias is not part of it: most tiles use it as the initial value of their sums.
package struct Epilogue: Hashable, Sendable {
  /// Whether a residual is added to each sum.
  package var addsResidual: Bool
  /// The function that is applied to each sum.
  package var activation: ActivationKind

  package init(addsResidual: Bool = false, activation: ActivationKind) {
    self.addsResidual = addsResidual
    self.activation = activation
  }

  /// Applies the epilogue to the sums of some rows of outputs, and stores them.
  ///
  /// - Parameters:
  ///   - rows: the rows and their places.
  ///   - sums: all sums, in the order in which the function is applied.
  ///   - free: registers that may be overwritten.
  ///   - table: the register that is set to the address of the function's constants.
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
    activation.apply(to: sums, free: free, table: table, w)
    for row in rows {
      let place = row.point(w, false)
      for (sum, offset) in row.sums { w.store(place + offset, sum) }
    }
  }
}

/// Sums at fixed distances in the output.
package struct OutputRow {
  /// The sums, and the bytes of each from the row's place.
  package var sums: [(sum: Vector, offset: Int)]
  /// Sets up the row's place in the output, or in the residual.
  package var point: (_ w: any TileWriter, _ isResidual: Bool) -> Place
}

extension OutputRow {
  /// The rows of a tile's outputs, the address of each of which is an argument: the first row of
  /// all planes, then the second, and so on.
  ///
  /// - Parameters:
  ///   - sums: for each pixel, row by row, the vectors of all planes.
  ///   - rows: the rows of pixels of a plane.
  ///   - planes: the number of planes.
  ///   - columnStep: bytes from a column to the next.
  ///   - pointer: the register that is set to a row's address.
  ///   - column: holds the bytes from a row's first output to the tile's.
  ///   - vector: holds the bytes from a pixel to its vector that is computed, for tiles that
  ///     compute one vector of a pixel at a time.
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
