package import ConvoyTensors

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
