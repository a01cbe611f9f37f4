/// The loop that finds, for each window of a row and each channel, the first of the window's largest
/// elements: what a maximum's gradient needs to know.
///
/// A window's elements have numbers, its places. Where the windows' rows go to, each has two pixels, as
/// `PoolingGradientTile` reads them: the places found, as floats, and its gradient. Arguments are `tiles`
/// tiles, `inputs` (the first window's first element, then its gradient), `outputs`, and `steps` lines of a
/// window, of each of which `distances` holds the bytes from the first and where, from `weights` on, the
/// place of its first element stands, 32 bytes from that of the next.
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

  /// The windows of a tile that an input column is part of, and as which of their columns; in order.
  private var inputColumns: [(column: Int, uses: [(window: Int, tap: Int)])] {
    var uses: [Int: [(window: Int, tap: Int)]] = [:]
    for window in 0..<columns {
      for tap in 0..<taps {
        uses[window * columnStep + tap * tapStep, default: []] += [(window: window, tap: tap)]
      }
    }
    return uses.sorted { $0.key < $1.key }.map { (column: $0.key, uses: $0.value) }
  }

  /// The description of a line in the table: words of its distance and of where its places stand.
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

    /// Goes to the line whose description is next.
    func pointToLine() {
      w.load(pointer, line.place)
      w.advance(pointer, by: input)
      w.load(place, line + Integer.bytes)
      w.advance(place, by: w.argument(.weights))
    }

    /// Takes an element that is larger than those before it.
    func meet(_ window: Int, tap: Int) {
      w.replace(
        places[window], .repeated(place + TileArguments.repeatedBytes * tap),
        where: Condition(x, .greater, largest[window]), mask)
      // Of two numbers the second is taken where one of them is none, as where neither is greater.
      w.maximum(largest[window], x, largest[window])
    }

    /// Finds a vector of each window's places, and writes it with the window's gradient.
    func findPlaces(part: Int) {
      let partOffset = part * unit.vectorBytes
      w.load(lines, w.argument(.steps))
      w.load(line, w.argument(.distances))
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
