package import ConvoyTensors

/// Exponentials divided by their sum, or the logarithm of the quotient, along a dimension of a
/// row-major tensor.
package struct LineSoftmax: Kernel {
  /// See `Kernel.name`.
  package let name = "portable softmax"
  private let isLogarithmic: Bool
  private let input: Region
  private let output: Region
  private let blocks: LineBlocks

  /// - Parameters:
  ///   - dimension: the dimension along which the results sum to 1.
  ///   - isLogarithmic: whether the results are logarithms.
  package init(
    _ shape: Shape, along dimension: Int, isLogarithmic: Bool, from input: Region, to output: Region
  ) {
    self.isLogarithmic = isLogarithmic
    self.input = input
    self.output = output
    blocks = LineBlocks(shape, along: dimension)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { blocks.chunks.count }

  /// Computes some lines.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let x = UnsafePointer(memory[input])
    let y = memory[output]
    for index in blocks.chunks[chunk] {
      let block = blocks[index]
      // The largest element is subtracted first, so that no exponential overflows.
      let largest = block.largest(x)
      if isLogarithmic {
        let logarithm = LaneMath.log(block.exponentialSum(x, minus: largest))
        for vector in 0..<block.vectorCount {
          block.store(block.load(x, vector) - largest - logarithm, to: y, vector)
        }
      } else {
        block.storeSoftmax(of: x, largest: largest, to: y) { $0 }
      }
    }
  }
}

extension LineBlock {
  /// Stores a function of the probabilities; the output holds the exponentials meanwhile.
  @inline(__always)
  func storeSoftmax(
    of x: UnsafePointer<Float>, largest: Lanes, to y: UnsafeMutablePointer<Float>,
    _ function: (Lanes) -> Lanes
  ) {
    var sum = Lanes.zero
    for vector in 0..<vectorCount {
      let exponential = LaneMath.exp(load(x, vector, else: -.infinity) - largest)
      sum += exponential
      store(exponential, to: y, vector)
    }
    let total = total(sum)
    for vector in 0..<vectorCount {
      store(function(load(UnsafePointer(y), vector) / total), to: y, vector)
    }
  }
}

/// The gradient of a softmax, from its result.
package struct LineSoftmaxGradient: Kernel {
  /// See `Kernel.name`.
  package let name = "portable softmax gradient"
  private let isLogarithmic: Bool
  private let result: Region
  private let gradient: Region
  private let output: Region
  private let blocks: LineBlocks

  /// - Parameters:
  ///   - dimension: the dimension along which the softmax sums to 1.
  ///   - isLogarithmic: whether the result is a logarithm.
  ///   - result: the softmax's result.
  ///   - gradient: the gradient of the result.
  package init(
    _ shape: Shape, along dimension: Int, isLogarithmic: Bool, result: Region, gradient: Region,
    to output: Region
  ) {
    self.isLogarithmic = isLogarithmic
    self.result = result
    self.gradient = gradient
    self.output = output
    blocks = LineBlocks(shape, along: dimension)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { blocks.chunks.count }

  /// Computes some lines.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (y, g) = (UnsafePointer(memory[result]), UnsafePointer(memory[gradient]))
    let out = memory[output]
    for index in blocks.chunks[chunk] {
      let block = blocks[index]
      var sum = Lanes.zero
      for vector in 0..<block.vectorCount {
        let incoming = block.load(g, vector)
        sum += isLogarithmic ? incoming : incoming * block.load(y, vector)
      }
      let total = block.total(sum)
      for vector in 0..<block.vectorCount {
        let (incoming, known) = (block.load(g, vector), block.load(y, vector))
        let outgoing =
          isLogarithmic
          ? incoming - LaneMath.exp(known) * total : known * (incoming - total)
        block.store(outgoing, to: out, vector)
      }
    }
  }
}
