package import ConvoyTensors

/// Computes each output integer from two input integers, in row-major tensors with broadcasting.
/// The functions are those of `NumberElement`.
package struct IntegerElementwise: Kernel {
  /// The operation.
  package enum Function: Hashable, Sendable {
    /// a + b
    case add
    /// a − b
    case subtract
    /// a · b
    case multiply
    /// a ∕ b
    case divide
    /// The larger.
    case maximum
    /// The smaller.
    case minimum
    /// a to the power b.
    case power
  }

  /// See `Kernel.name`.
  package let name = "portable integers"
  private let function: Function
  private let type: ElementType
  private let operands: [Region]
  private let output: Region
  private let walk: StridedWalk
  private let chunks: Chunks

  /// - Parameters:
  ///   - type: the type of operands and output, an integer type.
  ///   - shape: the output's shape, which the operands' are broadcast to.
  ///   - operands: the regions and shapes of both.
  package init(
    _ function: Function, of type: ElementType, _ shape: Shape,
    _ operands: [(region: Region, shape: Shape)], to output: Region
  ) {
    precondition(type.isInteger && operands.count == 2)
    self.function = function
    self.type = type
    self.operands = operands.map(\.region)
    self.output = output
    walk = StridedWalk(
      shape.dimensions, operands.map { $0.shape.broadcastStrides(to: shape) } + [shape.strides])
    chunks = Chunks(items: walk.rows, cost: walk.columns)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Computes some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch type {
    case .int8: compute(chunk, memory, as: Int8.self)
    case .uint8: compute(chunk, memory, as: UInt8.self)
    case .int16: compute(chunk, memory, as: Int16.self)
    case .uint16: compute(chunk, memory, as: UInt16.self)
    case .int32: compute(chunk, memory, as: Int32.self)
    case .uint32: compute(chunk, memory, as: UInt32.self)
    case .int64: compute(chunk, memory, as: Int64.self)
    case .uint64: compute(chunk, memory, as: UInt64.self)
    case .bool, .float16, .bfloat16, .float32, .float64:
      preconditionFailure("\(type) is not an integer type.")
    }
  }

  private func compute<Integer: NumberElement>(
    _ chunk: Int, _ memory: Memory, as type: Integer.Type
  ) {
    switch function {
    case .add: apply(chunk, memory) { Integer.sum($0, $1) }
    case .subtract: apply(chunk, memory) { Integer.difference($0, $1) }
    case .multiply: apply(chunk, memory) { Integer.product($0, $1) }
    case .divide: apply(chunk, memory) { Integer.quotient($0, $1) }
    case .maximum: apply(chunk, memory) { (a: Integer, b: Integer) in max(a, b) }
    case .minimum: apply(chunk, memory) { (a: Integer, b: Integer) in min(a, b) }
    case .power: apply(chunk, memory) { Integer.power($0, $1) }
    }
  }

  @inline(__always)
  private func apply<Integer: BitwiseCopyable>(
    _ chunk: Int, _ memory: Memory, _ function: (Integer, Integer) -> Integer
  ) {
    let (stepA, stepB) = (walk.columnSteps[0], walk.columnSteps[1])
    for row in chunks[chunk] {
      let offsets = walk.offsets(ofRow: row)
      let a = memory[operands[0], as: Integer.self] + offsets[0]
      let b = memory[operands[1], as: Integer.self] + offsets[1]
      let out = memory[output, as: Integer.self] + offsets[2]
      for column in 0..<walk.columns {
        out[column * walk.columnSteps[2]] = function(a[column * stepA], b[column * stepB])
      }
    }
  }
}
