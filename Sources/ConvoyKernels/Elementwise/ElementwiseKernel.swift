package import ConvoyTensors

/// The function of one or two numbers that an elementwise kernel computes.
package enum LaneOperation: Hashable, Sendable {
  /// f(x)
  case function(ScalarFunction)
  /// f′(x)·g
  case derivative(ScalarFunction)
  /// a + b
  case add
  /// a − b
  case subtract
  /// a · b
  case multiply
  /// a ∕ b
  case divide
  /// The larger operand; b where they are equal.
  case maximum
  /// The smaller operand; b where they are equal.
  case minimum
  /// a to the power b.
  case power
  /// a where positive, otherwise b · a.
  case leak

  /// Runs a body with the operation on 16 numbers; the function is dispatched once for the whole
  /// body.
  @inline(__always)
  func withLanes(_ body: (_ compute: (_ a: Lanes, _ b: Lanes) -> Lanes) -> Void) {
    switch self {
    case .function(let function):
      let activation = function.activation
      body { a, _ in activation.value(at: a) }
    case .derivative(let function):
      let activation = function.activation
      body { activation.derivative(at: $0) * $1 }
    default: body { arithmetic($0, $1) }
    }
  }

  @inline(__always)
  private func arithmetic(_ a: Lanes, _ b: Lanes) -> Lanes {
    switch self {
    case .function, .derivative: return a
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide: return a / b
    case .maximum: return b.replacing(with: a, where: a .> b)
    case .minimum: return b.replacing(with: a, where: a .< b)
    case .power: return LaneMath.power(a, b)
    case .leak: return (a * b).replacing(with: a, where: a .> 0)
    }
  }
}

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

/// Computes each output from one or two inputs, in row-major tensors with broadcasting.
package struct DenseElementwise: Kernel {
  /// See `Kernel.name`.
  package let name = "portable elementwise"
  private let operation: LaneOperation
  private let first: Region
  private let second: Region
  private let output: Region
  private let epilogue: LaneFunction
  private let walk: StridedWalk
  private let chunks: Chunks

  /// - Parameters:
  ///   - shape: the output's shape, which the operands' are broadcast to.
  ///   - epilogue: the function that is applied to each result.
  package init(
    _ operation: LaneOperation, _ shape: Shape, _ first: Region, _ firstShape: Shape,
    _ second: Region? = nil, _ secondShape: Shape? = nil, to output: Region,
    epilogue: ScalarFunction? = nil
  ) {
    self.operation = operation
    self.first = first
    self.second = second ?? first
    self.output = output
    self.epilogue = LaneFunction(epilogue)
    walk = StridedWalk(
      shape.dimensions,
      [
        firstShape.broadcastStrides(to: shape),
        (secondShape ?? firstShape).broadcastStrides(to: shape), shape.strides,
      ])
    chunks = Chunks(items: walk.rows * blocksPerRow(walk), cost: min(walk.columns, rowBlock))
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Computes some blocks of rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    operation.withLanes { compute in
      for item in chunks[chunk] { run(block: item, in: memory, compute) }
    }
  }

  @inline(__always)
  private func run(block item: Int, in memory: Memory, _ compute: (Lanes, Lanes) -> Lanes) {
    let (stepA, stepB) = (walk.columnSteps[0], walk.columnSteps[1])
    let (row, block) = item.quotientAndRemainder(dividingBy: blocksPerRow(walk))
    let offsets = walk.offsets(ofRow: row)
    let a = UnsafePointer(memory[first] + offsets[0])
    let b = UnsafePointer(memory[second] + offsets[1])
    let out = memory[output] + offsets[2]
    var column = block * rowBlock
    let end = min(walk.columns, column + rowBlock)
    while column + 16 <= end {
      let x = load(a + column * stepA, stepA)
      let y = load(b + column * stepB, stepB)
      UnsafeMutableRawPointer(out + column).storeBytes(of: epilogue(compute(x, y)), as: Lanes.self)
      column += 16
    }
    while column < end {
      let x = Lanes(repeating: a[column * stepA])
      out[column] = epilogue(compute(x, Lanes(repeating: b[column * stepB])))[0]
      column += 1
    }
  }

  @inline(__always)
  private func load(_ address: UnsafePointer<Float>, _ step: Int) -> Lanes {
    switch step {
    case 1: return address.unalignedLanes
    case 0: return Lanes(repeating: address.pointee)
    default:
      var lanes = Lanes.zero
      for lane in 0..<16 { lanes[lane] = address[lane * step] }
      return lanes
    }
  }
}

/// Long rows are divided into blocks of this many numbers, for several threads.
private let rowBlock = 4096

private func blocksPerRow(_ walk: StridedWalk) -> Int {
  (walk.columns + rowBlock - 1) / rowBlock
}

extension Shape {
  /// For each dimension of a larger shape, the stride in floats: 0 where broadcasting repeats
  /// elements.
  package func broadcastStrides(to larger: Shape) -> [Int] {
    let extra = larger.rank - rank
    let strides = strides
    return (0..<larger.rank).map { d in
      d < extra || self[d - extra] == 1 && larger[d] != 1 ? 0 : strides[d - extra]
    }
  }
}
