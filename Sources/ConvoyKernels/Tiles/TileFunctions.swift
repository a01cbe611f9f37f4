import ConvoyTiles

/// The micro-kernels that cover a grid of pixels: of whole tiles, and of the smaller tiles of the
/// remainder at the right and at the bottom.
struct TileFunctions: Equatable, Sendable {
  /// Rows of a whole tile.
  let rows: Int
  /// Columns of a whole tile.
  let columns: Int
  private let functions: CornerFunctions

  /// - Parameters:
  ///   - gridRows: the rows that are divided into bands; the remainder is a short band.
  ///   - description: the tile of given rows and columns.
  /// - Returns: nil where the system refuses memory for code.
  init?(
    rows: Int, columns: Int, gridRows: Int, gridColumns: Int,
    _ description: (_ rows: Int, _ columns: Int) -> some TileDescription
  ) {
    (self.rows, self.columns) = (rows, columns)
    let functions = CornerFunctions { isBottom, isRight in
      let height = isBottom ? gridRows % rows : rows
      let width = isRight ? gridColumns % columns : columns
      let isFound = height > 0 && width > 0 && height <= gridRows && width <= gridColumns
      return isFound ? description(height, width) : nil
    }
    guard let functions else { return nil }
    self.functions = functions
  }

  /// The tiles that are used, each once: `tiles of 2×7 pixels × 1 plane`.
  static func text(_ tiles: [(functions: TileFunctions, planes: Int)]) -> String {
    let all = tiles.map { tile in
      "\(tile.functions.rows)×\(tile.functions.columns) pixels × \(tile.planes) "
        + (tile.planes == 1 ? "plane" : "planes")
    }
    let different = all.enumerated().filter { all.firstIndex(of: $0.element) == $0.offset }
    return "tiles of " + different.map(\.element).joined(separator: ", ")
  }

  /// Runs the micro-kernels for some columns of a band.
  ///
  /// - Parameters:
  ///   - rows: the band's rows, at most a tile's.
  ///   - columns: whole tiles, except for the last one of the grid.
  ///   - place: sets the addresses of input and output of a column.
  ///   - place: sets where input and output of a column are.
  @inline(__always)
  func run(
    rows: Int, columns: Range<Int>, _ arguments: TileArguments<some TileField>,
    place: (_ column: Int) -> Void
  ) {
    let isShort = rows < self.rows
    let (tiles, left) = columns.count.quotientAndRemainder(dividingBy: self.columns)
    if tiles > 0, let function = functions[isBottom: isShort, isRight: false] {
      place(columns.lowerBound)
      arguments.set(.tiles, tiles)
      arguments.run(function)
    }
    if left > 0, let function = functions[isBottom: isShort, isRight: true] {
      place(columns.upperBound - left)
      arguments.set(.tiles, 1)
      arguments.run(function)
    }
  }
}
