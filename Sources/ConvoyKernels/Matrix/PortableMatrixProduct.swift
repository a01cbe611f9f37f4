import ConvoyTensors

/// Products of matrices in plain Swift.
///
/// A chunk is some rows of the output, so that each sum is computed by one chunk, in one order.
struct PortableMatrixProduct: MatrixProductMethod, DirectMethod {
  static let title = "portable matrix product"
  let name = title
  private let problem: MatrixProductProblem
  private let chunks: Chunks

  /// Plans any problem.
  init(_ problem: MatrixProductProblem, _ settings: KernelSettings) {
    self.problem = problem
    chunks = Chunks(
      items: problem.products.count * problem.rows,
      cost: max(1, problem.columns * problem.inner / 8))
  }

  var packedCount: Int { 0 }
  var readsSecond: Bool { true }
  var packingText: String { "" }

  func packing(from source: Region, to destination: Region) -> any Kernel {
    preconditionFailure("Portable products read matrices where they stand.")
  }

  var chunkCount: Int { chunks.count }

  func run(
    chunk: Int, at operands: MatrixProductOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    guard let second = operands.second else { return }
    let size = problem.inner * problem.columns
    for item in chunks[chunk] {
      let (index, row) = item.quotientAndRemainder(dividingBy: problem.rows)
      let product = problem.products[index]
      multiply(
        UnsafePointer(memory[operands.first] + product.first + row * problem.inner),
        UnsafePointer(memory[second] + product.second * size),
        memory[operands.output] + product.output + row * problem.columns)
    }
  }

  /// A row times a matrix, 64 and 16 columns at a time.
  private func multiply(
    _ row: UnsafePointer<Float>, _ matrix: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) {
    let (inner, columns) = (problem.inner, problem.columns)
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
