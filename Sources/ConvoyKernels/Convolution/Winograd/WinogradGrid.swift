import ConvoyTensors
import ConvoyTiles

/// The outputs of a convolution as tiles of 4×4 or 2×2 pixels, numbered row by row, image by image.
/// Tiles at the right and at the bottom edge may have fewer pixels.
struct WinogradGrid: Sendable {
  /// Consecutive tiles of a row, of the same shape.
  struct Run: Hashable, Sendable {
    /// The index of the first tile.
    var first: Int
    var count: Int
    /// Floats from a plane's beginning to the first pixel that is read, and written.
    var input: Int
    var output: Int
    /// Whether the tiles have fewer rows than whole tiles.
    var isBottom: Bool
    /// Whether the tiles have fewer columns than whole tiles.
    var isRight: Bool
  }

  private let input: PlaneLayout
  private let output: PlaneLayout
  /// The distance by which a tile's inputs begin above and to the left of its outputs.
  private let padding: Extents
  private let rows: Int
  private let columns: Int
  /// The rows and columns of a whole tile.
  private let size: Int

  /// - Parameter size: the rows and columns of a whole tile.
  init(_ problem: ConvolutionProblem, size: Int) {
    (input, output) = (problem.input, problem.output)
    // A transposed convolution of stride 1 is the forward one with the kernel rotated by 180°.
    padding =
      switch problem.direction {
      case .forward: problem.padding
      case .transposed: problem.kernel - 1 - problem.padding
      }
    self.size = size
    rows = (output.extents[1] + size - 1) / size
    columns = (output.extents[2] + size - 1) / size
  }

  /// The number of tiles.
  var count: Int { output.batch * rows * columns }

  /// The rows of the tiles at the bottom, and the columns of those at the right; 0 where they are
  /// whole.
  var edge: (rows: Int, columns: Int) {
    (output.extents[1] % size, output.extents[2] % size)
  }

  /// A range of tiles as runs.
  func runs(_ tiles: Range<Int>) -> [Run] {
    var runs: [Run] = []
    var tile = tiles.lowerBound
    while tile < tiles.upperBound {
      let (line, column) = tile.quotientAndRemainder(dividingBy: columns)
      let (image, row) = line.quotientAndRemainder(dividingBy: rows)
      // The last tile of a row is a run of its own if it is narrower.
      let whole = edge.columns == 0 ? columns : columns - 1
      let end = column < whole ? whole : columns
      let count = min(end - column, tiles.upperBound - tile)
      let corner = Extents(0, row, column) * size
      runs.append(
        Run(
          first: tile, count: count,
          input: image * input.imageStride + input.offset(corner - padding),
          output: image * output.imageStride + output.offset(corner),
          isBottom: edge.rows > 0 && row == rows - 1, isRight: column >= whole))
      tile += count
    }
    return runs
  }
}

extension WinogradTransform {
  /// The transform for a problem's kernel; nil if there is none.
  static func of(_ problem: ConvolutionProblem) -> WinogradTransform? {
    switch problem.kernel {
    case Extents(1, 3, 3): three
    case Extents(1, 5, 5): five
    default: nil
    }
  }
}
