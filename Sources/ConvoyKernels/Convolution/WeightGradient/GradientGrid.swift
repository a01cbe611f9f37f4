import ConvoyTensors
import ConvoyTiles

/// The pixels that a weight gradient sums over, in slices of rows of columns, and where image and gradient
/// have them.
struct GradientGrid: Hashable, Sendable {
  /// Floats from a column to the next, from a row to the one below it, and from a slice to the next.
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
  /// Whether what is cut apart is the columns of a single row.
  private let cutsColumns: Bool
  /// Slices that lie at equal distances.
  private let slicesPerRun: Int

  /// Some of the pixels: as many rows and columns of each of some slices.
  struct Block: Hashable, Sendable {
    var firstRow: Int
    var firstColumn: Int
    var rows: Int
    var columns: Int
    var slices: Int
  }

  /// - Parameter joinsImages: whether the pixels of all images may be one row, where nothing lies between.
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
    // Slices of a deep image lie closer together than those of two images.
    slicesPerRun = phase.count[0] == 1 || grid.isJoined ? slices : phase.count[0]
  }

  /// How many pixels.
  var pixelCount: Int { grid.rows * columns }

  /// How many rows there are, or columns, to be cut apart.
  private var unitCount: Int { cutsColumns ? columns : grid.rows }

  /// The pixels in parts of about a size, each in blocks of at most another: cut by the problem alone.
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

  /// Floats from a plane's beginning to a pixel's place in the image, before a tap's distance.
  func imageOffset(row: Int, column: Int) -> Int {
    grid.inputOffset(ofRow: row) + column * image.column
  }

  /// Floats from a plane's beginning to a pixel's place in the gradient.
  func gradientOffset(row: Int, column: Int) -> Int {
    grid.outputOffset(ofRow: row) + column * gradient.column
  }
}

extension GradientArguments {
  /// Sets what is walked: tiles of rows × columns that cover some pixels.
  ///
  /// - Parameters:
  ///   - pixels: how many rows and columns in each slice.
  ///   - tile: rows and columns of a tile, whose multiples they are.
  ///   - grid: where the pixels are.
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
