package import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The cross-entropies of scores [B, C, …] and labels [B, …], summed within each chunk.
///
/// `CrossEntropyMean` adds the chunks' sums. Each is a Double, so that small losses are not lost in
/// the sum over a data set; the order of additions does not depend on threads.
package struct CrossEntropySums: Kernel {
  /// See `Kernel.name`.
  package let name = "portable cross-entropy"
  private let smoothing: Float
  private let scores: Region
  private let labels: TypedRegion
  private let sums: Region
  private let blocks: LineBlocks

  /// The floats of the sums.
  package static func sumsCount(_ shape: Shape) -> Int {
    2 * LineBlocks(shape, along: 1).chunks.count
  }

  /// - Parameters:
  ///   - shape: the scores' shape.
  ///   - smoothing: the fraction of the target that is distributed over all classes.
  ///   - sums: the region of the sums.
  package init(
    _ shape: Shape, smoothing: Float, scores: Region, labels: TypedRegion, sums: Region
  ) {
    self.smoothing = smoothing
    self.scores = scores
    self.labels = labels
    self.sums = sums
    blocks = LineBlocks(shape, along: 1)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { blocks.chunks.count }

  /// Sums the losses of some labels.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let x = UnsafePointer(memory[scores])
    var sum = 0.0
    for index in blocks.chunks[chunk] {
      let block = blocks[index]
      let largest = block.largest(x)
      let exponentials = block.exponentialSum(x, minus: largest)
      let distances = smoothing > 0 ? block.distanceSum(x, from: largest) : .zero
      for (lane, line) in block.lines.enumerated() {
        let logarithm = log(Double(exponentials[lane]))
        guard let label = block.label(memory.integer(labels, at: line)) else {
          sum = .nan
          continue
        }
        // A score of −∞ contributes nothing if its target is 0; the product 0 · ∞ would be NaN.
        if smoothing < 1 {
          let score = x[block.start + lane + label * block.elementStep] - largest[lane]
          sum += (1 - Double(smoothing)) * (logarithm - Double(score))
        }
        if smoothing > 0 {
          let mean = Double(distances[lane]) / Double(block.length)
          sum += Double(smoothing) * (logarithm + mean)
        }
      }
    }
    memory[sums].doubles[chunk] = sum
  }
}

/// Adds the sums of `CrossEntropySums`, and divides by the number of labels.
package struct CrossEntropyMean: Kernel {
  /// See `Kernel.name`.
  package let name = "portable cross-entropy, mean"
  private let blocks: LineBlocks
  private let sums: Region
  private let loss: Region

  /// - Parameter shape: the scores' shape.
  package init(_ shape: Shape, sums: Region, loss: Region) {
    self.sums = sums
    self.loss = loss
    blocks = LineBlocks(shape, along: 1)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Adds all sums.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let sums = memory[sums].doubles
    let sum = (0..<blocks.chunks.count).reduce(0) { $0 + sums[$1] }
    memory[loss].pointee = Float(sum / Double(blocks.lineCount))
  }
}

/// The gradient of a mean cross-entropy with respect to the scores.
package struct CrossEntropyScoreGradient: Kernel {
  /// See `Kernel.name`.
  package let name = "portable cross-entropy gradient"
  private let smoothing: Float
  private let scores: Region
  private let labels: TypedRegion
  private let gradient: Region
  private let output: Region
  private let blocks: LineBlocks

  /// - Parameters:
  ///   - shape: the scores' shape.
  ///   - smoothing: the fraction of the target that is distributed over all classes.
  ///   - gradient: the loss's gradient, one number.
  package init(
    _ shape: Shape, smoothing: Float, scores: Region, labels: TypedRegion, gradient: Region,
    to output: Region
  ) {
    self.smoothing = smoothing
    self.scores = scores
    self.labels = labels
    self.gradient = gradient
    self.output = output
    blocks = LineBlocks(shape, along: 1)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { blocks.chunks.count }

  /// Computes the gradient of some labels' scores.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let x = UnsafePointer(memory[scores])
    let out = memory[output]
    let scale = memory[gradient].pointee / Float(blocks.lineCount)
    let spread = smoothing / Float(blocks.length)
    for index in blocks.chunks[chunk] {
      let block = blocks[index]
      block.storeSoftmax(of: x, largest: block.largest(x), to: out) { ($0 - spread) * scale }
      for (lane, line) in block.lines.enumerated() {
        let start = out + block.start + lane
        if let label = block.label(memory.integer(labels, at: line)) {
          start[label * block.elementStep] -= (1 - smoothing) * scale
        } else {
          for element in 0..<block.length { start[element * block.elementStep] = .nan }
        }
      }
    }
  }
}

extension LineBlock {
  /// For each lane, the sum of the differences between a number and the elements of its line.
  @inline(__always)
  fileprivate func distanceSum(_ tensor: UnsafePointer<Float>, from top: Lanes) -> Lanes {
    var sum = Lanes.zero
    // Lanes that are not the block's get the subtrahend as their value, and contribute nothing.
    let other = isSingle ? top[0] : 0
    for vector in 0..<vectorCount { sum += top - load(tensor, vector, else: other) }
    return total(sum)
  }

  /// A label as the index of an element, if it is one.
  @inline(__always)
  fileprivate func label(_ number: Int?) -> Int? {
    guard let label = number, (0..<length).contains(label) else { return nil }
    return label
  }
}

extension UnsafeMutablePointer<Float> {
  /// The same address, of Doubles; it must be a multiple of 8 bytes.
  fileprivate var doubles: UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: Double.self)
  }
}
