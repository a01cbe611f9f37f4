/// The fields of `FirstLargestTile`.
public enum FirstLargestField: Int, TileField {
  /// The number of lines of a window.
  case lineCount = 8
  /// The address of two words for each line: the bytes from the first line, and the distance from
  /// `numbers` to the index of the line's first element.
  case lines = 16
  /// The address of the indices of a window's elements, which are 32 bytes apart.
  case numbers = 24
}

/// The loop that finds, for each window of a row and each channel, the first of the window's
/// largest elements: the input of a maximum's gradient.
///
/// The elements of a window are numbered. For each window, two pixels are stored, as
/// `PoolingGradientTile` reads them: the index of the element found, as a float, and the window's
/// gradient. The inputs are the first window's first element, and its gradient.
package struct FirstLargestTile: TileDescription {
  package let unit: VectorUnit
  /// Columns of a window.
  package var taps: Int
  /// Pixels between neighbouring columns of a window.
  package var tapStep: Int
  /// Windows of a tile, neighbours in a row.
  package var columns: Int
  /// Pixels from a window to the next one.
  package var columnStep: Int

  package init(unit: VectorUnit, taps: Int, tapStep: Int, columns: Int, columnStep: Int) {
    self.unit = unit
    self.taps = taps
    self.tapStep = tapStep
    self.columns = columns
    self.columnStep = columnStep
  }

  /// The columns of the input that a tile reads, in order, and for each the windows that contain it
  /// with its index among their columns.
  private var inputColumns: [(column: Int, uses: [(window: Int, tap: Int)])] {
    var uses: [Int: [(window: Int, tap: Int)]] = [:]
    for window in 0..<columns {
      for tap in 0..<taps {
        uses[window * columnStep + tap * tapStep, default: []] += [(window: window, tap: tap)]
      }
    }
    return uses.sorted { $0.key < $1.key }.map { (column: $0.key, uses: $0.value) }
  }

  /// Bytes of a line in the table: a word for its distance and one for its indices.
  private static let lineBytes = 2 * Integer.bytes

  package var name: String { "first largest of \(taps), \(columns) columns" }

  package func write(_ w: any TileWriter) {
    let pixelBytes = VectorUnit.pixelBytes

    var pool = RegisterPool(unit)
    let largest = pool.vectors("the largest so far", columns)
    let places = pool.vectors("their places", columns)
    let x = pool.vector("the pixel under way")
    let mask = pool.vector("mask")

    let tiles = pool.integer("tiles")
    let line = pool.integer("description of the line")
    let lines = pool.integer("lines")
    let pointer = pool.integer("the line's pixels")
    let input = pool.integer("input")
    let gradient = pool.integer("gradient")
    let output = pool.integer("output")
    let place = pool.integer("places of the line's elements")

    /// Advances to the next line of the table.
    func pointToLine() {
      w.load(pointer, line.place)
      w.advance(pointer, by: input)
      w.load(place, line + Integer.bytes)
      w.advance(place, by: w.argument(FirstLargestField.numbers))
    }

    /// Updates a window's largest element and its index.
    func meet(_ window: Int, tap: Int) {
      w.replace(
        places[window], .repeated(place + CommonField.repeatedBytes * tap),
        where: Condition(x, .greater, largest[window]), mask)
      // The maximum of two operands is the second where one is NaN, as where neither is greater.
      w.maximum(largest[window], x, largest[window])
    }

    /// Finds a vector of each window's indices, and stores it with the window's gradient.
    func findPlaces(part: Int) {
      let partOffset = part * unit.vectorBytes
      w.load(lines, w.argument(FirstLargestField.lineCount))
      w.load(line, w.argument(FirstLargestField.lines))
      pointToLine()
      for window in 0..<columns {
        w.load(largest[window], pointer + (window * columnStep * pixelBytes + partOffset))
        w.broadcast(places[window], place.place)
      }
      w.loop(lines) {
        pointToLine()
        for (column, uses) in inputColumns {
          w.load(x, pointer + (column * pixelBytes + partOffset))
          for (window, tap) in uses { meet(window, tap: tap) }
        }
        w.advance(line, by: FirstLargestTile.lineBytes)
      }
      for window in 0..<columns {
        let result = output + (window * 2 * pixelBytes + partOffset)
        w.store(result, places[window])
        w.load(x, gradient + (window * pixelBytes + partOffset))
        w.store(result + pixelBytes, x)
      }
    }

    w.function(pool) {
      w.load(tiles, w.argument(.tiles))
      w.load(input, w.argument(.inputs))
      w.load(gradient, w.argument(.inputs, 1))
      w.load(output, w.argument(.outputs))
      w.loop(tiles) {
        for part in 0..<unit.vectorsPerPixel { findPlaces(part: part) }
        w.advance(input, by: columns * columnStep * pixelBytes)
        w.advance(gradient, by: columns * pixelBytes)
        w.advance(output, by: columns * 2 * pixelBytes)
      }
    }
  }
}
