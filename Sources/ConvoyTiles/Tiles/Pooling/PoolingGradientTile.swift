/// The fields of `PoolingGradientTile`.
public enum PoolingGradientField: Int, TileField {
  /// The number of rows of windows, perhaps none.
  case rowCount = 8
  /// The address of two words for each row of windows: its address and, for a maximum, that of the
  /// indices of the image's row in the windows, which are 32 bytes apart.
  case rows = 16
}

/// The loop of a pooling's gradient: a row of the image, each element of which receives the
/// gradients of the windows that contain it.
///
///     y[column] = Σ over rows of windows, windows  (place[window] = this element's) ·
/// gradient[window]
///
/// For a maximum, a row of windows has two pixels for each window, as `FirstLargestTile` stores
/// them. For an average, rows have a pixel for each column, and are added. See
/// `PoolingGradientField.rows`.
package struct PoolingGradientTile: TileDescription {
  /// The windows that contain a column of the image.
  package struct Geometry: Hashable, Sendable {
    /// Columns of a window.
    package var taps: Int
    /// Pixels between neighbouring columns of a window.
    package var tapStep: Int
    /// Pixels from a window to the next one.
    package var step: Int
    /// The distance of a tile's first column from the beginning of the window at the row's address.
    package var phase: Int

    package init(taps: Int, tapStep: Int, step: Int, phase: Int) {
      self.taps = taps
      self.tapStep = tapStep
      self.step = step
      self.phase = phase
    }
  }

  package let unit: VectorUnit
  /// The windows of a maximum; nil where rows are added.
  package var window: Geometry?
  /// The columns of the image in a tile; for whole tiles, a multiple of the windows' step.
  package var columns: Int

  package init(unit: VectorUnit, window: Geometry?, columns: Int) {
    self.unit = unit
    self.window = window
    self.columns = columns
  }

  /// The largest number of columns of a tile: registers hold their sums, a window's indices and
  /// gradient, and a mask.
  package static func maximalColumns(_ unit: VectorUnit) -> Int { unit.registerCount - 3 }

  /// The windows that contain columns of a tile, counted from the one at the row's address, and
  /// these columns.
  private func uses(of window: Geometry) -> [(window: Int, columns: [(column: Int, tap: Int)])] {
    var uses: [Int: [(column: Int, tap: Int)]] = [:]
    for column in 0..<columns {
      for tap in 0..<window.taps {
        let corner = window.phase + column - tap * window.tapStep
        let (index, rest) = corner.flooredQuotientAndRemainder(dividingBy: window.step)
        if rest == 0 { uses[index, default: []] += [(column: column, tap: tap)] }
      }
    }
    return uses.sorted { $0.key < $1.key }.map { (window: $0.key, columns: $0.value) }
  }

  /// Bytes of a row in the table: a word for its address and one for its indices.
  private static let rowBytes = 2 * Integer.bytes

  package var name: String {
    let kind = window.map { "largest of \($0.taps)" } ?? "average"
    return "gradient of \(kind), \(columns) columns"
  }

  package func write(_ w: any TileWriter) {
    let pixelBytes = VectorUnit.pixelBytes

    var pool = RegisterPool(unit)
    let sums = pool.vectors("sums", columns)
    let places = pool.vector("a window's places")
    let gradient = pool.vector("its gradient")
    let mask = pool.vector("mask")

    let tiles = pool.integer("tiles")
    let list = pool.integer("description of the row")
    let rows = pool.integer("rows")
    let row = pool.integer("the row's windows")
    let output = pool.integer("output")
    let index = pool.integer("bytes from a row's first window")
    let place = pool.integer("places of the image's row")

    /// Adds the contribution of a row of windows.
    func add(_ window: Geometry, partOffset: Int) {
      for (number, columns) in uses(of: window) {
        let pixel = row + index + (number * 2 * pixelBytes + partOffset)
        w.load(places, pixel)
        w.load(gradient, pixel + pixelBytes)
        for (column, tap) in columns {
          let wanted = Operand.repeated(place + CommonField.repeatedBytes * tap)
          w.add(sums[column], gradient, where: Condition(places, .equal, wanted), mask)
        }
      }
    }

    /// Computes a vector of each of a tile's elements.
    func computeTile(partOffset: Int) {
      for sum in sums { w.clear(sum) }
      w.load(list, w.argument(PoolingGradientField.rows))
      w.load(rows, w.argument(PoolingGradientField.rowCount))
      w.loop(rows, .perhapsNever, isAligned: false) {
        w.load(row, list.place)
        if let window {
          w.load(place, list + Integer.bytes)
          add(window, partOffset: partOffset)
        } else {
          for (column, sum) in sums.enumerated() {
            w.add(sum, sum, row + index + (column * pixelBytes + partOffset))
          }
        }
        w.advance(list, by: PoolingGradientTile.rowBytes)
      }
      for (column, sum) in sums.enumerated() {
        w.store(output + (column * pixelBytes + partOffset), sum)
      }
    }

    w.function(pool) {
      w.load(tiles, w.argument(.tiles))
      w.load(output, w.argument(.outputs))
      w.clear(index)
      w.loop(tiles) {
        for part in 0..<unit.vectorsPerPixel { computeTile(partOffset: part * unit.vectorBytes) }
        let advance = window.map { columns / $0.step * 2 } ?? columns
        w.advance(index, by: advance * pixelBytes)
        w.advance(output, by: columns * pixelBytes)
      }
    }
  }
}

extension Int {
  /// The quotient rounded down, and a remainder that is not negative.
  package func flooredQuotientAndRemainder(dividingBy divisor: Int) -> (
    quotient: Int, remainder: Int
  ) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
