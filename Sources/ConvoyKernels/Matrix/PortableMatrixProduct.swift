public import ConvoyTensors

/// The products of the matrices in two row-major tensors, in plain Swift.
///
/// A chunk owns some rows of the output, so each sum is made by one chunk in one order.
public struct MatrixMultiplication: Kernel {
  /// See `Kernel.name`.
  public let name = "portable matrix product"
  private let a: Region
  private let b: Region
  private let output: Region
  private let rows: Int
  private let columns: Int
  private let inner: Int
  /// Walks the matrices: floats to the first of A, of B and of the output.
  private let walk: StridedWalk
  private let chunks: Chunks

  /// - Parameters:
  ///   - shape: the output's shape, …×M×N.
  ///   - aShape: …×M×K, the leading dimensions repeated to the output's.
  ///   - bShape: …×K×N, likewise.
  public init(
    _ shape: Shape, _ a: Region, _ aShape: Shape, _ b: Region, _ bShape: Shape,
    to output: Region
  ) {
    self.a = a
    self.b = b
    self.output = output
    (rows, columns) = (shape[shape.rank - 2], shape[shape.rank - 1])
    inner = aShape[aShape.rank - 1]
    // A trailing dimension of 1 makes every matrix a row of the walk.
    let leading = Shape(shape.dimensions.dropLast(2) + [1])
    func strides(_ shape: Shape) -> [Int] {
      let size = shape[shape.rank - 2] * shape[shape.rank - 1]
      let own = Shape(shape.dimensions.dropLast(2) + [1])
      return own.broadcastStrides(to: leading).map { $0 * size }
    }
    walk = StridedWalk(
      leading.dimensions, [strides(aShape), strides(bShape), strides(shape)])
    let matrices = walk.rows * walk.columns
    chunks = Chunks(items: matrices * rows, cost: max(1, columns * inner / 8))
  }

  /// See `Kernel.chunkCount`.
  public var chunkCount: Int { chunks.count }

  /// Computes some rows.
  public func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    for item in chunks[chunk] {
      let (matrix, row) = item.quotientAndRemainder(dividingBy: rows)
      let (line, step) = matrix.quotientAndRemainder(dividingBy: walk.columns)
      let starts = zip(walk.offsets(ofRow: line), walk.columnSteps).map { $0 + $1 * step }
      multiply(
        UnsafePointer(memory[a] + starts[0] + row * inner),
        UnsafePointer(memory[b] + starts[1]), memory[output] + starts[2] + row * columns)
    }
  }

  /// A row times a matrix, 64 and 16 columns at a time.
  private func multiply(
    _ row: UnsafePointer<Float>, _ matrix: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) {
    var column = 0
    while column + 64 <= columns {
      var sums = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
      for k in 0..<inner {
        let line = matrix + k * columns + column
        sums.0 += row[k] * line.unalignedLanes
        sums.1 += row[k] * (line + 16).unalignedLanes
        sums.2 += row[k] * (line + 32).unalignedLanes
        sums.3 += row[k] * (line + 48).unalignedLanes
      }
      output.advanced(by: column).store(sums.0, first: 16)
      output.advanced(by: column + 16).store(sums.1, first: 16)
      output.advanced(by: column + 32).store(sums.2, first: 16)
      output.advanced(by: column + 48).store(sums.3, first: 16)
      column += 64
    }
    while column < columns {
      let count = min(16, columns - column)
      var sum = Lanes.zero
      for k in 0..<inner {
        sum += row[k] * (matrix + k * columns + column).lanes(first: count, else: 0)
      }
      output.advanced(by: column).store(sum, first: count)
      column += count
    }
  }
}
