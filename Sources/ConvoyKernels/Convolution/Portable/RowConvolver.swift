import ConvoyTensors

/// How an inner loop reads its input: one number broadcast to all lanes, or one for each lane.
protocol InputAccess: Sendable {
  static func load(_ address: UnsafePointer<Float>) -> Lanes
}

/// All lanes multiply the same input channel: dense convolutions.
enum DenseAccess: InputAccess {
  @inline(__always)
  static func load(_ address: UnsafePointer<Float>) -> Lanes { Lanes(repeating: address.pointee) }
}

/// Each lane multiplies its own channel: depthwise and narrowly grouped convolutions.
enum LaneAccess: InputAccess {
  @inline(__always)
  static func load(_ address: UnsafePointer<Float>) -> Lanes { address.lanes }
}

/// The inner loops of portable convolution: a row of output pixels of one plane. Each pixel is a
/// sum over pairs of input channel and tap, which an indirection table lists by their distances in
/// memory.
struct RowConvolver<Access: InputAccess> {
  /// For each pair, floats from the first pixel of a row to the pixel that the pair reads.
  let distances: UnsafeBufferPointer<Int>
  /// For each pair, a row of 16 weights.
  let weights: UnsafePointer<Float>
  let bias: Lanes
  let epilogue: LaneFunction
  /// Bytes from an output to the residual that is added to it; nil if there is none.
  let residualDistance: Int?
  let inputStep: Int
  let outputStep: Int

  /// The loops for a plane of outputs of a phase.
  @inline(__always)
  init(
    _ work: PhaseWork, plane: Int, distances: UnsafeBufferPointer<Int>, epilogue: LaneFunction,
    _ operands: ConvolutionOperands, _ memory: Memory
  ) {
    self.distances = distances
    self.epilogue = epilogue
    let start = work.weightStart + plane * distances.count * PlaneLayout.lanes
    weights = UnsafePointer(memory[operands.weights] + start)
    bias = operands.bias(plane, memory)
    residualDistance = operands.residualDistance(plane, memory)
    inputStep = work.grid.inputColumnStep
    outputStep = work.grid.outputColumnStep
  }

  /// Computes a block of output pixels.
  @inline(__always)
  func convolve(
    _ block: PixelBlock, of grid: PixelGrid, from input: UnsafePointer<Float>,
    to output: UnsafeMutablePointer<Float>
  ) {
    for row in block.rows {
      convolve(
        input + grid.inputOffset(ofRow: row) + block.columns.lowerBound * inputStep,
        output + grid.outputOffset(ofRow: row) + block.columns.lowerBound * outputStep,
        columns: block.columns.count)
    }
  }

  /// Computes a number of neighbouring output pixels.
  @inline(__always)
  private func convolve(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, columns: Int
  ) {
    var column = 0
    // Three pixels of 16 channels: see `Machine.portable`.
    while column + 3 <= columns {
      let start = input + column * inputStep
      var (a, b, c) = (bias, bias, bias)
      for pair in distances.indices {
        let w = (weights + pair * 16).lanes
        let x = start + distances[pair]
        a += Access.load(x) * w
        b += Access.load(x + inputStep) * w
        c += Access.load(x + 2 * inputStep) * w
      }
      let target = output + column * outputStep
      finish(a, target)
      finish(b, target + outputStep)
      finish(c, target + 2 * outputStep)
      column += 3
    }
    while column < columns {
      let start = input + column * inputStep
      var a = bias
      for pair in distances.indices {
        a += Access.load(start + distances[pair]) * (weights + pair * 16).lanes
      }
      finish(a, output + column * outputStep)
      column += 1
    }
  }

  @inline(__always)
  private func finish(_ sum: Lanes, _ target: UnsafeMutablePointer<Float>) {
    guard let residualDistance else {
      target.lanes = epilogue(sum)
      return
    }
    let other = UnsafeRawPointer(target) + residualDistance
    target.lanes = epilogue(sum + other.assumingMemoryBound(to: Float.self).lanes)
  }
}
