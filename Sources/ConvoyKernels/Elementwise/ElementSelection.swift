package import ConvoyTensors

/// For each position, an element of one operand where a condition holds, and of another elsewhere,
/// in row-major tensors with broadcasting.
package struct ElementSelection: Kernel {
  /// See `Kernel.name`.
  package let name = "portable selection"
  private let operands: [Region]
  private let output: Region
  private let elementSize: Int
  private let walk: StridedWalk
  private let chunks: Chunks

  /// - Parameters:
  ///   - shape: the output's shape, which the operands' are broadcast to.
  ///   - type: the elements' type, of which only the size matters.
  ///   - operands: the regions and shapes of the two tensors and of the condition.
  package init(
    _ shape: Shape, of type: ElementType, _ operands: [(region: Region, shape: Shape)],
    to output: Region
  ) {
    precondition(operands.count == 3)
    elementSize = type.size
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
    switch elementSize {
    case 1: select(chunk, memory, as: UInt8.self)
    case 2: select(chunk, memory, as: UInt16.self)
    case 4: select(chunk, memory, as: UInt32.self)
    default: select(chunk, memory, as: UInt64.self)
    }
  }

  private func select<Bits: BitwiseCopyable>(_ chunk: Int, _ memory: Memory, as type: Bits.Type) {
    let steps = walk.columnSteps
    let isContiguous = steps.allSatisfy { $0 == 1 }
    for row in chunks[chunk] {
      let offsets = walk.offsets(ofRow: row)
      let a = memory[operands[0], as: type] + offsets[0]
      let b = memory[operands[1], as: type] + offsets[1]
      let condition = memory[operands[2], as: UInt8.self] + offsets[2]
      let out = memory[output, as: type] + offsets[3]
      if isContiguous {
        for column in 0..<walk.columns {
          out[column] = condition[column] != 0 ? a[column] : b[column]
        }
      } else {
        for column in 0..<walk.columns {
          let isFirst = condition[column * steps[2]] != 0
          out[column * steps[3]] = isFirst ? a[column * steps[0]] : b[column * steps[1]]
        }
      }
    }
  }
}
