/// The fields of `PoolingTile`.
public enum PoolingField: Int, TileField {
  /// The address of the distances of a window's lines, in bytes.
  case distances = 16
  /// The number of rows of outputs; at least one at the beginning, and zero at the end.
  case bands = 512
  /// Bytes from a row of outputs to the next, in the input and in the output.
  case inputBandStep = 520, outputBandStep = 528
}

/// The loop of pooling kernels: rows of outputs whose windows have the same number of elements in
/// the image,
///
///     y[column] = scale · Σ over taps, lines of x[line][column · columnStep + tap · tapStep]
///
/// or the maximum of these elements. The lines of each input column are combined once for all
/// windows that contain it, then the columns, in the order of the portable kernel. For an average,
/// the first of the function's parameters is the scale.
package struct PoolingTile: TileDescription {
  package let unit: VectorUnit
  /// Whether windows are reduced to their maximum; otherwise to their scaled sum.
  package var isMaximum: Bool
  /// Lines of a window.
  package var lines: Int
  /// Columns of a window.
  package var taps: Int
  /// Pixels between neighbouring columns of a window.
  package var tapStep: Int
  /// Outputs of a tile, neighbours in a row.
  package var columns: Int
  /// Pixels from an output's window to the next one's.
  package var columnStep: Int

  package init(
    unit: VectorUnit, isMaximum: Bool, lines: Int, taps: Int, tapStep: Int, columns: Int,
    columnStep: Int
  ) {
    self.unit = unit
    self.isMaximum = isMaximum
    self.lines = lines
    self.taps = taps
    self.tapStep = tapStep
    self.columns = columns
    self.columnStep = columnStep
  }

  /// The largest number of lines of a window; each has its address in a register.
  package static let maximalLines = 8

  /// The input columns of a tile's windows, in order, and the outputs whose windows contain each.
  private var inputColumns: [(column: Int, outputs: [Int])] {
    var outputs: [Int: [Int]] = [:]
    for output in 0..<columns {
      for tap in 0..<taps { outputs[output * columnStep + tap * tapStep, default: []] += [output] }
    }
    return outputs.sorted { $0.key < $1.key }.map { (column: $0.key, outputs: $0.value) }
  }

  package var name: String {
    "\(isMaximum ? "largest" : "average") of \(lines)x\(taps), \(columns) columns"
  }

  package func write(_ w: any TileWriter) {
    let pixelBytes = VectorUnit.pixelBytes
    let inputColumns = inputColumns

    var pool = RegisterPool(unit)
    let results = pool.vectors("results", columns)
    let constant = pool.vector("−∞ or the scale")
    let temporaries = pool.remainingVectors("pixels under way", atLeast: 2)

    let tiles = pool.integer("tiles")
    let output = pool.integer("output")
    let index = pool.integer("bytes from a line's first pixel")
    let scratch = pool.integer("scratch")
    let pointers = pool.integers("lines", lines)
    let constants = ConstantTable(w, base: scratch)
    var columnNumber = 0

    /// Combines all lines of an input column.
    func combineLines(_ column: Int, part: Int) -> Vector {
      let pair = columnNumber % (temporaries.count / 2) * 2
      columnNumber += 1
      let (sum, x) = (temporaries[pair], temporaries[pair + 1])
      for (line, pointer) in pointers.enumerated() {
        let place = pointer + index + (column * pixelBytes + part * unit.vectorBytes)
        if isMaximum {
          // The maximum of two operands is the second where one is NaN.
          w.load(x, place)
          w.maximum(sum, x, line == 0 ? constant : sum)
        } else if line == 0 {
          w.load(sum, place)
        } else {
          w.add(sum, sum, place)
        }
      }
      return sum
    }

    /// Computes a vector of each of a tile's outputs.
    func computeTile(part: Int) {
      var isBegun = Set<Int>()
      for (column, outputs) in inputColumns {
        let x = combineLines(column, part: part)
        for output in outputs {
          let result = results[output]
          if isBegun.insert(output).inserted {
            w.copy(result, x)
          } else if isMaximum {
            w.maximum(result, x, result)
          } else {
            w.add(result, result, x)
          }
        }
      }
      for (column, result) in results.enumerated() {
        if !isMaximum { w.multiply(result, result, constant) }
        w.store(output + (column * pixelBytes + part * unit.vectorBytes), result)
      }
    }

    w.function(pool) {
      if isMaximum {
        constants.load()
        w.broadcast(constant, constants.place(-Float.infinity))
      } else {
        w.broadcast(constant, w.argument(.parameters))
      }
      w.loop(w.argument(PoolingField.bands), scratch: scratch) {
        w.load(scratch, w.argument(PoolingField.distances))
        for (line, pointer) in pointers.enumerated() {
          w.load(pointer, scratch + Integer.bytes * line)
          w.advance(pointer, by: w.argument(.inputs))
        }
        w.load(output, w.argument(.outputs))
        w.load(tiles, w.argument(.tiles))
        w.clear(index)
        w.loop(tiles) {
          for part in 0..<unit.vectorsPerPixel { computeTile(part: part) }
          w.advance(index, by: columns * columnStep * pixelBytes)
          w.advance(output, by: columns * pixelBytes)
        }
        w.load(scratch, w.argument(PoolingField.inputBandStep))
        w.advance(w.argument(.inputs), by: scratch)
        w.load(scratch, w.argument(PoolingField.outputBandStep))
        w.advance(w.argument(.outputs), by: scratch)
      }
      constants.lay()
    }
  }
}
