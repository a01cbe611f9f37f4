import ConvoyTensors

/// Pooling in plain Swift.
///
/// First the rows of the windows are combined, for all columns that a row of outputs reads, then
/// the columns: a k×k window costs 2k operations rather than k².
struct PortablePooling: DirectMethod {
  typealias Problem = PoolingProblem
  typealias Operands = PoolingOperands

  static let title = "portable pooling"
  let name = title
  private let problem: PoolingProblem
  private let blocks: Chunks
  private let rows: RowCursor
  private let chunks: Chunks
  /// For each block of output columns, the columns of the image that they read.
  private let columns: [Range<Int>]
  /// For each output column, the factor of an average's sum that is due to its columns.
  private let scales: [Float]

  /// The number of neighbouring outputs whose rows are combined in scratch memory at once.
  private static let blockSize = 64

  /// Plans any problem.
  init(_ problem: PoolingProblem, _ settings: KernelSettings) {
    self.problem = problem
    let width = problem.output.extents[2]
    blocks = Chunks(items: width, cost: Chunks.worthwhile / PortablePooling.blockSize)
    let (blocks, rows) = (blocks, RowCursor(problem.output))
    self.rows = rows
    columns = (0..<blocks.count).map { problem.columns(of: blocks[$0]) }
    scales = problem.axes[2].map { 1 / Float($0.divisor) }
    let taps = problem.axes.map { axis in axis.map(\.count).max() ?? 1 }
    let rowCost = (columns.map(\.count).max() ?? 0) * taps[0] * taps[1] + blocks.size * taps[2]
    chunks = Chunks(
      items: problem.output.planes.count * rows.rows * blocks.count,
      cost: rowCost * PlaneLayout.lanes)
  }

  var chunkCount: Int { chunks.count }
  var scratchCount: Int { (columns.map(\.count).max() ?? 0) * PlaneLayout.lanes }

  /// Computes some rows.
  func run(
    chunk: Int, at operands: PoolingOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    switch problem.function {
    case .maximum: run(LaneMaximum.self, chunk, operands, memory, scratch)
    case .average: run(LaneSum.self, chunk, operands, memory, scratch)
    }
  }

  private func run<Function: LaneReduction>(
    _ function: Function.Type, _ chunk: Int, _ operands: PoolingOperands, _ memory: Memory,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    for item in chunks[chunk] {
      let (line, block) = item.quotientAndRemainder(dividingBy: blocks.count)
      let (plane, row) = line.quotientAndRemainder(dividingBy: rows.rows)
      let image =
        operands.image.start(of: plane, in: memory)
        + rows.image(ofRow: row) * problem.image.imageStride
      let inImage = row % (problem.output.extents[0] * problem.output.extents[1])
      let (z, y) = problem.rowSpans(
        slice: inImage / problem.output.extents[1], row: inImage % problem.output.extents[1])
      combineRows(function, image, z, y, columns[block], into: scratch)
      let scale = problem.function == .maximum ? 1 : 1 / Float(z.divisor * y.divisor)
      combineColumns(
        function, scratch, blocks[block], from: columns[block].lowerBound,
        isEmpty: z.count == 0 || y.count == 0, scale: scale,
        to: operands.output.start(of: plane, in: memory) + rows.offset(ofRow: row))
    }
  }

  /// Combines the rows and slices of a row of windows, column by column.
  @inline(__always)
  private func combineRows<Function: LaneReduction>(
    _ function: Function.Type, _ image: UnsafePointer<Float>, _ z: PoolingProblem.Span,
    _ y: PoolingProblem.Span, _ columns: Range<Int>, into sums: UnsafeMutablePointer<Float>
  ) {
    let rowStep = problem.image.rowStride * problem.dilation[1]
    let sliceStep = problem.image.sliceStride * problem.dilation[0]
    let start = image + problem.image.offset(Extents(z.start, y.start, columns.lowerBound))
    for column in 0..<columns.count {
      let top = start + column * PlaneLayout.lanes
      var result = Lanes(repeating: Function.neutral)
      for slice in 0..<z.count {
        var pixel = top + slice * sliceStep
        for _ in 0..<y.count {
          result = Function.combine(result, pixel.lanes)
          pixel += rowStep
        }
      }
      (sums + column * PlaneLayout.lanes).lanes = result
    }
  }

  /// Combines the columns of some windows.
  ///
  /// - Parameter isEmpty: whether the windows have no rows in the image.
  @inline(__always)
  private func combineColumns<Function: LaneReduction>(
    _ function: Function.Type, _ sums: UnsafePointer<Float>, _ outputs: Range<Int>, from left: Int,
    isEmpty: Bool, scale: Float, to row: UnsafeMutablePointer<Float>
  ) {
    let step = problem.dilation[2] * PlaneLayout.lanes
    problem.axes[2].withUnsafeBufferPointer { spans in
      scales.withUnsafeBufferPointer { scales in
        for output in outputs {
          let span = spans[output]
          var pixel = sums + max(0, span.start - left) * PlaneLayout.lanes
          var result = Lanes(repeating: Function.neutral)
          for _ in 0..<span.count {
            result = Function.combine(result, pixel.lanes)
            pixel += step
          }
          if Function.self == LaneSum.self {
            result *= scale * scales[output]
          } else if isEmpty || span.count == 0 {
            result = Lanes(repeating: -.greatestFiniteMagnitude)
          }
          (row + output * PlaneLayout.lanes).lanes = result
        }
      }
    }
  }
}
