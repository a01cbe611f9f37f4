/// The part of a patch or tile that exists at the edges of an image.
package struct WinogradPart: Hashable, Sendable, CustomStringConvertible {
  /// Rows and columns of a whole tile of outputs, 4 or 2: columns from a patch to the next.
  package var outputs: Int
  /// Rows that exist.
  package var rows: Int
  /// Columns that exist.
  package var columns: Int

  package init(outputs: Int, rows: Int, columns: Int) {
    self.outputs = outputs
    self.rows = rows
    self.columns = columns
  }

  package var description: String { "\(outputs) \(rows)x\(columns)" }
}

/// The fields of `WinogradInputTile`. Inputs are patches, outputs points.
public enum WinogradInputField: Int, TileField {
  /// Bytes from a row of the image to the next, and from a point to the next.
  case rowStep = 520, pointPitch = 528
  /// The address of memory for numbers between two passes.
  case buffer = 544
}

/// The fields of `WinogradOutputTile`. Inputs are points, outputs rows of the result.
public enum WinogradOutputField: Int, TileField {
  /// Bytes from a point to the next, and from a row of the result to the next.
  case pointPitch = 520, rowStep = 528
  /// The address of memory for numbers between two passes.
  case buffer = 544
}

/// The input transform V = Bᵀ·d·B of F(4×4, 3×3) and F(2×2, 5×5): patches of 6×6 pixels of one
/// plane, four or two columns apart, are transformed to 36 points each. A lane is a channel.
///
/// Patches at the right and at the bottom edge have fewer pixels; missing pixels are zero, and are
/// not read. The outputs that depend on them are outside the image.
package struct WinogradInputTile: TileDescription {
  package let unit: VectorUnit
  /// The rows and columns of a patch that exist, 3 to 6.
  package var part: WinogradPart

  package init(unit: VectorUnit, _ part: WinogradPart) {
    self.unit = unit
    self.part = part
  }

  package var name: String { "winograd input of \(part)" }

  package func write(_ w: any TileWriter) {
    let pixelBytes = VectorUnit.pixelBytes

    var pool = RegisterPool(unit)
    let tiles = pool.integer("tiles")
    let input = pool.integer("input")
    let lowerInput = pool.integer("the patch's fourth row")
    let cursor = pool.integer("the row's points")
    let rowStep = pool.integer("bytes from a row to the next")
    let points = WinogradPoints(&pool, cursor: cursor)
    let buffer = pool.integer("buffer")

    /// Loads a column of a patch; missing pixels are zero.
    func loadColumn(_ column: Int, _ vectors: [Vector], inPixel: Int) {
      for (row, vector) in vectors.enumerated() {
        guard row < part.rows, column < part.columns else {
          w.clear(vector)
          continue
        }
        let base = row < 3 ? input : lowerInput
        let pixel = row % 3 == 0 ? base.place : base + rowStep * (row % 3)
        w.load(vector, pixel + (column * pixelBytes + inPixel))
      }
    }

    w.function(pool) {
      w.load(tiles, w.argument(.tiles))
      w.load(input, w.argument(.inputs))
      w.load(rowStep, w.argument(WinogradInputField.rowStep))
      w.point(lowerInput, to: rowStep + rowStep * 2)
      w.advance(lowerInput, by: input)
      w.load(points.first, w.argument(.outputs))
      w.load(points.pitch, w.argument(WinogradInputField.pointPitch))
      w.load(buffer, w.argument(WinogradInputField.buffer))
      points.begin(w)
      var passes = WinogradPasses(inputsTo: w, pool, scratch: cursor)

      w.loop(tiles) {
        for vector in 0..<unit.vectorsPerPixel {
          var middle = WinogradMiddle(w, lines: 6, buffer: buffer)
          for column in 0..<6 {
            let patch = passes.pool.borrow(6)
            loadColumn(column, patch, inPixel: vector * unit.vectorBytes)
            middle.put(passes.input(patch), &passes.pool, at: column)
          }
          w.copy(points.cursor, points.first)
          for row in 0..<6 {
            let line = passes.input(middle.line(row, &passes.pool))
            for (column, point) in line.enumerated() {
              w.store(points.place(column) + vector * unit.vectorBytes, point)
            }
            passes.pool.giveBack(line)
            w.advance(points.cursor, by: points.six)
          }
        }
        w.advance(input, by: part.outputs * pixelBytes)
        w.advance(lowerInput, by: part.outputs * pixelBytes)
        w.advance(points.first, by: pixelBytes)
      }
    }
  }
}

/// The output transform of F(4×4, 3×3) and F(2×2, 5×5): Y = Aᵀ·M·A, the bias, and the epilogue. A
/// lane is an output channel.
///
/// Tiles at the right and at the bottom edge have fewer pixels; nothing is stored beyond them.
package struct WinogradOutputTile: TileDescription {
  package let unit: VectorUnit
  /// The rows and columns of a tile that are written.
  package var part: WinogradPart
  package var epilogue: Epilogue

  package init(unit: VectorUnit, _ part: WinogradPart, epilogue: Epilogue) {
    self.unit = unit
    self.part = part
    self.epilogue = epilogue
  }

  package var name: String { "winograd output of \(part) \(epilogue.activation)" }

  package func write(_ w: any TileWriter) {
    let pixelBytes = VectorUnit.pixelBytes

    var pool = RegisterPool(unit)
    let tiles = pool.integer("tiles")
    let output = pool.integer("output")
    let rowStep = pool.integer("bytes from a row to the next")
    let cursor = pool.integer("the row's points")
    let tripleStep = pool.integer("three times the row step")
    let points = WinogradPoints(&pool, cursor: cursor)
    let buffer = pool.integer("buffer")

    /// A row of the tile's outputs.
    func place(ofRow row: Int) -> Place {
      switch row {
      case 0: output.place
      case 3: output + tripleStep
      default: output + rowStep * row
      }
    }

    /// An output, which has a row of its own.
    func outputRow(_ sum: Vector, row: Int, offset: Int) -> OutputRow {
      OutputRow(sums: [(sum, offset)]) { w, isResidual in
        guard isResidual else { return place(ofRow: row) }
        w.point(cursor, to: place(ofRow: row))
        w.advance(cursor, by: w.argument(.residuals))
        return cursor.place
      }
    }

    w.function(pool) {
      w.load(tiles, w.argument(.tiles))
      w.load(output, w.argument(.outputs))
      w.load(rowStep, w.argument(WinogradOutputField.rowStep))
      w.point(tripleStep, to: rowStep + rowStep * 2)
      w.load(points.first, w.argument(.inputs))
      w.load(points.pitch, w.argument(WinogradOutputField.pointPitch))
      w.load(buffer, w.argument(WinogradOutputField.buffer))
      points.begin(w)
      var passes = WinogradPasses(outputsTo: w, pool, outputs: part.outputs, scratch: cursor)

      w.loop(tiles) {
        for vector in 0..<unit.vectorsPerPixel {
          let inPixel = vector * unit.vectorBytes
          var middle = WinogradMiddle(w, lines: part.columns, buffer: buffer)
          w.copy(points.cursor, points.first)
          for row in 0..<6 {
            let line = passes.pool.borrow(6)
            for (column, vector) in line.enumerated() {
              w.load(vector, points.place(column) + inPixel)
            }
            let sums = passes.output(line)
            middle.put(sums.prefix(part.columns), &passes.pool, at: row)
            passes.pool.giveBack(Array(sums.dropFirst(part.columns)))
            w.advance(points.cursor, by: points.six)
          }
          for column in 0..<part.columns {
            let sums = passes.output(middle.line(column, &passes.pool))
            let written = Array(sums.prefix(part.rows))
            for sum in written { w.add(sum, sum, w.argument(.bias) + inPixel) }
            let outputRows = written.enumerated().map { row, sum in
              outputRow(sum, row: row, offset: column * pixelBytes + inPixel)
            }
            epilogue.write(
              outputRows, sums: written, free: passes.pool.free, table: points.cursor, w)
            passes.pool.giveBack(sums)
          }
        }
        w.advance(output, by: part.outputs * pixelBytes)
        w.advance(points.first, by: pixelBytes)
      }
    }
  }
}

/// The addresses of the 36 points of a tile, which are at a fixed distance from each other: a row
/// of six at a time.
private struct WinogradPoints {
  /// The tile's first point.
  package let first: Integer
  /// The current row's first point.
  package let cursor: Integer
  /// Bytes from a point to the next, and multiples.
  package let pitch: Integer
  package let triple: Integer
  package let five: Integer
  package let six: Integer

  package init(_ pool: inout RegisterPool, cursor: Integer) {
    self.cursor = cursor
    first = pool.integer("first point")
    pitch = pool.integer("bytes from a point to the next")
    triple = pool.integer("three times the pitch")
    five = pool.integer("five times the pitch")
    six = pool.integer("six times the pitch")
  }

  /// Computes the multiples of the pitch.
  package func begin(_ w: any TileWriter) {
    w.point(triple, to: pitch + pitch * 2)
    w.point(five, to: pitch + pitch * 4)
    w.point(six, to: triple + triple)
  }

  /// The place of a point of the current row.
  package func place(_ column: Int) -> Place {
    switch column {
    case 0: cursor.place
    case 3: cursor + triple
    case 5: cursor + five
    default: cursor + pitch * column
    }
  }
}
