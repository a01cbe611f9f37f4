import ConvoyTiles

/// The kernels that cover a grid of pixels: of whole tiles, and of what is left over at the right and
/// at the bottom.
struct TileFunctions: Equatable, Sendable {
  /// Rows of a whole tile.
  let rows: Int
  /// Columns of a whole tile.
  let columns: Int
  private let whole: TileFunction?
  private let right: TileFunction?
  private let bottom: TileFunction?
  private let corner: TileFunction?

  /// - Parameters:
  ///   - gridRows: rows that are cut into bands; what is left over is a short band.
  ///   - description: the tile of some rows and columns.
  /// - Returns: nil where the system refuses memory for code.
  init?(
    rows: Int, columns: Int, gridRows: Int, gridColumns: Int,
    _ description: (_ rows: Int, _ columns: Int) -> some TileDescription
  ) {
    (self.rows, self.columns) = (rows, columns)
    var isRefused = false
    func function(_ rows: Int, _ columns: Int, if isNeeded: Bool) -> TileFunction? {
      guard isNeeded, rows > 0, columns > 0 else { return nil }
      let function = TileKernels.function(description(rows, columns))
      if function == nil { isRefused = true }
      return function
    }
    let (below, beside) = (gridRows % rows, gridColumns % columns)
    whole = function(rows, columns, if: gridRows >= rows && gridColumns >= columns)
    right = function(rows, beside, if: gridRows >= rows)
    bottom = function(below, columns, if: gridColumns >= columns)
    corner = function(below, beside, if: true)
    if isRefused { return nil }
  }

  /// What tiles are used, each once: `tiles of 2×7 pixels × 1 plane`.
  static func text(_ tiles: [(functions: TileFunctions, planes: Int)]) -> String {
    let all = tiles.map { tile in
      "\(tile.functions.rows)×\(tile.functions.columns) pixels × \(tile.planes) "
        + (tile.planes == 1 ? "plane" : "planes")
    }
    let different = all.enumerated().filter { all.firstIndex(of: $0.element) == $0.offset }
    return "tiles of " + different.map(\.element).joined(separator: ", ")
  }

  /// Runs the kernels for some columns of a band.
  ///
  /// - Parameters:
  ///   - rows: the band's rows, which may be fewer than a tile's.
  ///   - columns: whole tiles, but for the last of the grid.
  ///   - place: sets where input and output of a column are.
  @inline(__always)
  func run(
    rows: Int, columns: Range<Int>, _ arguments: TileArguments, place: (_ column: Int) -> Void
  ) {
    let isShort = rows < self.rows
    let (tiles, left) = columns.count.quotientAndRemainder(dividingBy: self.columns)
    if tiles > 0, let function = isShort ? bottom : whole {
      place(columns.lowerBound)
      arguments.set(.tiles, tiles)
      arguments.run(function)
    }
    if left > 0, let function = isShort ? corner : right {
      place(columns.upperBound - left)
      arguments.set(.tiles, 1)
      arguments.run(function)
    }
  }
}
