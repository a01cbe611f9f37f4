import ConvoyTensors

/// Elementwise computation in planes, in plain Swift.
struct PortableElementwise: DirectMethod {
  typealias Problem = ElementwiseProblem
  typealias Operands = ElementwiseOperands

  static let title = "portable elementwise"
  let name = title
  private let problem: ElementwiseProblem
  private let firstCursor: RowCursor
  private let outputCursor: RowCursor
  private let chunks: Chunks
  private let epilogue: LaneFunction

  /// Plans any problem.
  init(_ problem: ElementwiseProblem, _ settings: KernelSettings) {
    self.problem = problem
    epilogue = LaneFunction(problem.epilogue)
    firstCursor = RowCursor(problem.first)
    outputCursor = RowCursor(problem.output)
    chunks = Chunks(
      items: problem.output.planes.count * outputCursor.rows,
      cost: problem.output.extents[2] * 16)
  }

  var chunkCount: Int { chunks.count }

  /// Computes some rows.
  func run(
    chunk: Int, at operands: ElementwiseOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    for item in chunks[chunk] {
      let (plane, row) = item.quotientAndRemainder(dividingBy: outputCursor.rows)
      let a = UnsafePointer(
        operands.first.start(of: plane, in: memory) + firstCursor.offset(ofRow: row))
      let out =
        operands.output.start(of: plane, in: memory) + outputCursor.offset(ofRow: row)
      guard let second = problem.second else {
        apply(a, a, out, secondStep: 16)
        continue
      }
      let image = outputCursor.image(ofRow: row)
      let imageStart = problem.isSecondShared ? 0 : image * second.imageStride
      let rowStart =
        problem.isByChannel
        ? second.offset(.zero)
        : RowCursor(second).offset(
          ofRow: row - image * (outputCursor.rows / problem.output.batch))
      let b = UnsafePointer(
        operands.second.start(of: plane, in: memory) + imageStart + rowStart)
      apply(a, b, out, secondStep: problem.isByChannel ? 0 : 16)
    }
  }

  @inline(__always)
  private func apply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ out: UnsafeMutablePointer<Float>,
    secondStep: Int
  ) {
    let count = problem.output.extents[2]
    switch problem.operation {
    case .function(let function): function.activation.apply(to: a, into: out, count: count)
    case .derivative(let function):
      function.activation.applyDerivative(
        at: a, to: b, step: secondStep * MemoryLayout<Float>.size, into: out, count: count)
    case let operation:
      operation.withLanes { compute in
        for column in 0..<count {
          (out + column * 16).lanes = compute(
            (a + column * 16).lanes, (b + column * secondStep).lanes)
        }
      }
    }
    epilogue.apply(to: out, count: count)
  }
}
