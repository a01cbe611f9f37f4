import ConvoyGraphs
import ConvoyTensors

/// The grid that a window slides over: the input with its padding; for a transposed convolution,
/// also with the zeros between its elements.
struct ArithmeticStage: Sendable {
  /// The content of a cell.
  enum Cell: Hashable, Sendable {
    /// An element of the input.
    case element(row: Int, column: Int)
    /// A zero around the input.
    case padding
    /// A zero between the input's elements, from the stride of a transposed convolution.
    case spread
  }

  let rows: Int
  let columns: Int
  /// The steps of the window, and the distance between its elements, in cells.
  let stride: [Int]
  let dilation: [Int]
  let kernel: [Int]
  /// Whether the kernel is rotated by half a turn, as in the adjoint of a convolution.
  let isTurned: Bool
  private let cells: [Cell]

  init(_ p: ArithmeticParameters) {
    kernel = p.kernel
    dilation = p.dilation
    isTurned = p.operation == .transposed
    stride = isTurned ? [1, 1] : p.stride
    let spacing = isTurned ? p.stride : [1, 1]
    var before: [Int] = []
    var extents: [Int] = []
    for d in 0..<2 {
      let margin = isTurned ? p.dilation[d] * (p.kernel[d] - 1) - p.padding[d] : p.padding[d]
      before.append(margin)
      let inner = (p.input[d] - 1) * spacing[d] + 1
      extents.append(inner + 2 * margin + p.outputPadding[d])
    }
    (rows, columns) = (extents[0], extents[1])
    var cells: [Cell] = []
    for y in 0..<extents[0] {
      for x in 0..<extents[1] {
        let (row, column) = (y - before[0], x - before[1])
        let isInside =
          row >= 0 && column >= 0 && row <= (p.input[0] - 1) * spacing[0]
          && column <= (p.input[1] - 1) * spacing[1]
        if !isInside {
          cells.append(.padding)
        } else if row % spacing[0] == 0, column % spacing[1] == 0 {
          cells.append(.element(row: row / spacing[0], column: column / spacing[1]))
        } else {
          cells.append(.spread)
        }
      }
    }
    self.cells = cells
  }

  subscript(row: Int, column: Int) -> Cell { cells[row * columns + column] }

  /// Height and width of the window, including the gaps of a dilation.
  var span: [Int] { (0..<2).map { (kernel[$0] - 1) * dilation[$0] + 1 } }
}

/// The computation of one number of the output.
struct ArithmeticStep: Sendable {
  /// A number of the input, and its weight.
  struct Term: Sendable {
    var channel: Int
    /// The cell's row on the grid.
    var row: Int
    var column: Int
    var value: Double
    /// Nil for pooling.
    var weight: Double?
    var isPadding: Bool
  }

  /// The channel and the position of the result.
  var channel: Int
  var row: Int
  var column: Int
  var terms: [Term]
  /// The result by the operator's reference.
  var result: Double
}
