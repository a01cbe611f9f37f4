import ConvoyTensors
import ConvoyTiles

/// The pixels that a weight gradient sums over, as slices of rows of columns, with their offsets in
/// image and gradient.
struct GradientGrid: Hashable, Sendable {
  /// Floats from a column to the next, from a row to the next, and from a slice to the next.
  struct Steps: Hashable, Sendable {
    var column: Int
    var row: Int
    var slice: Int
  }

  let image: Steps
  let gradient: Steps
  let rowsPerSlice: Int
  let columns: Int
  private let grid: PixelGrid
  /// Whether parts are ranges of columns, because there is a single row.
  private let cutsColumns: Bool
  /// The number of consecutive slices with equal distances between neighbours.
  private let slicesPerRun: Int

  /// A block of pixels: the same rows and columns of each of some slices.
  struct Block: Hashable, Sendable {
    var firstRow: Int
    var firstColumn: Int
    var rows: Int
    var columns: Int
    var slices: Int
  }

  /// - Parameter joinsImages: whether the pixels of all images may be one row, where they are
  ///   contiguous.
  init(_ problem: ConvolutionProblem, joinsImages: Bool) {
    let phase = problem.phases[0]
    let grid = PixelGrid(
      phase, input: problem.input, output: problem.output, joinsImages: joinsImages)
    self.grid = grid
    cutsColumns = joinsImages && grid.rows == 1
    rowsPerSlice = grid.rowsPerSlice
    columns = grid.columns
    let slices = grid.rows / grid.rowsPerSlice
    let second = slices > 1 ? grid.rowsPerSlice : 0
    image = Steps(
      column: grid.inputColumnStep, row: grid.inputRowStep,
      slice: grid.inputOffset(ofRow: second) - grid.inputOffset(ofRow: 0))
    gradient = Steps(
      column: grid.outputColumnStep, row: grid.outputRowStep,
      slice: grid.outputOffset(ofRow: second) - grid.outputOffset(ofRow: 0))
    // The slices of a deep image are closer together than slices of two images.
    slicesPerRun = phase.count[0] == 1 || grid.isJoined ? slices : phase.count[0]
  }

  /// The number of pixels.
  var pixelCount: Int { grid.rows * columns }

  /// The number of rows, or columns, that parts are made of.
  private var unitCount: Int { cutsColumns ? columns : grid.rows }

  /// The pixels in parts of about a given size, each in blocks of at most another. The division
  /// depends on the problem alone.
  func parts(_ count: Int, pixelsPerBlock: Int) -> [[Block]] {
    let parts = max(1, min(count, unitCount))
    return (0..<parts).map { part in
      let units = unitCount * part / parts..<unitCount * (part + 1) / parts
      return cutsColumns
        ? columnBlocks(units, atMost: max(1, pixelsPerBlock))
        : rowBlocks(units, atMost: max(1, pixelsPerBlock / columns))
    }
  }

  private func columnBlocks(_ columns: Range<Int>, atMost size: Int) -> [Block] {
    stride(from: columns.lowerBound, to: columns.upperBound, by: size).map {
      Block(
        firstRow: 0, firstColumn: $0, rows: 1, columns: min(size, columns.upperBound - $0),
        slices: 1)
    }
  }

  private func rowBlocks(_ rows: Range<Int>, atMost size: Int) -> [Block] {
    var blocks: [Block] = []
    var row = rows.lowerBound
    while row < rows.upperBound {
      let most = min(size, rows.upperBound - row)
      let (slice, inSlice) = row.quotientAndRemainder(dividingBy: rowsPerSlice)
      var block = Block(
        firstRow: row, firstColumn: 0, rows: min(most, rowsPerSlice - inSlice), columns: columns,
        slices: 1)
      if block.rows == rowsPerSlice {
        block.slices = min(most / rowsPerSlice, slicesPerRun - slice % slicesPerRun)
      }
      blocks.append(block)
      row += block.rows * block.slices
    }
    return blocks
  }

  /// Floats from a plane's beginning to a pixel's position in the image, without a tap's distance.
  func imageOffset(row: Int, column: Int) -> Int {
    grid.inputOffset(ofRow: row) + column * image.column
  }

  /// Floats from a plane's beginning to a pixel's position in the gradient.
  func gradientOffset(row: Int, column: Int) -> Int {
    grid.outputOffset(ofRow: row) + column * gradient.column
  }
}

extension GradientArguments {
  /// Sets the loop counts and steps for tiles of rows × columns that cover some pixels.
  ///
  /// - Parameters:
  ///   - pixels: the rows and columns of each slice, multiples of the tile's.
  ///   - tile: the rows and columns of a tile.
  ///   - grid: the grid of the pixels.
  func set(
    _ pixels: (rows: Int, columns: Int, slices: Int), tile: (rows: Int, columns: Int),
    _ grid: GradientGrid
  ) {
    let bytes = MemoryLayout<Float>.size
    let bands = pixels.rows / tile.rows
    set(.columns, pixels.columns / tile.columns)
    set(.rows, bands)
    set(.slices, pixels.slices)
    let (image, gradient) = (grid.image, grid.gradient)
    set(.imageRowStep, bytes * (tile.rows * image.row - pixels.columns * image.column))
    set(.gradientRowStep, bytes * (tile.rows * gradient.row - pixels.columns * gradient.column))
    set(.imageSliceStep, bytes * (image.slice - pixels.rows * image.row))
    set(.gradientSliceStep, bytes * (gradient.slice - pixels.rows * gradient.row))
    set(.gradientPitch, bytes * gradient.row)
  }
}
