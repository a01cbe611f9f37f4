import ConvoyTensors

/// Transforms a convolution's weights for `WinogradConvolution`: U = G·g·Gᵀ, computed in Double and
/// rounded once, as [36 points][output plane][input channel of the group][16 lanes].
///
/// Kernels are 3×3 or 5×5.
public struct WinogradWeights: Kernel {
  /// See `Kernel.name`.
  public let name = "transform weights"
  private let source: Region
  private let destination: Region
  private let order: WeightOrder
  /// For each lane of each output plane its channel.
  private let channels: [Int?]
  private let inputsPerGroup: Int
  private let taps: Int

  /// Describes the transform of a problem's weights [O, I∕G, 3, 3] or [O, I∕G, 5, 5].
  public init(_ problem: ConvolutionProblem, from source: Region, to destination: Region) {
    self.source = source
    self.destination = destination
    order = WeightOrder(problem)
    channels = problem.output.channelsByLane
    inputsPerGroup = problem.inputsPerGroup
    taps = problem.kernel[2]
  }

  /// Floats that a problem's transformed weights take: 4 times 3×3 weights, 1.44 times 5×5 weights, or
  /// more where the last output plane has lanes to spare.
  public static func elementCount(_ problem: ConvolutionProblem) -> Int {
    let points = WinogradTransform.points * WinogradTransform.points
    return points * problem.output.planes.count * problem.inputsPerGroup * PlaneLayout.lanes
  }

  /// See `Kernel.chunkCount`.
  public var chunkCount: Int { channels.count / PlaneLayout.lanes }

  /// See `Kernel.elementsRead(chunk:)`.
  public func elementsRead(chunk plane: Int) -> Range<Int>? {
    let lanes = PlaneLayout.lanes
    return order.indices(of: channels[plane * lanes..<(plane + 1) * lanes].lazy.compactMap { $0 })
  }

  /// Transforms the weights of one output plane.
  public func run(chunk plane: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let weights = memory[source]
    let lanes = PlaneLayout.lanes
    let pointStep = channels.count * inputsPerGroup
    let first = memory[destination] + plane * inputsPerGroup * lanes
    let starts = (0..<lanes).map { lane in
      channels[plane * lanes + lane].map { order.index(output: $0, inputInGroup: 0, tap: 0) }
    }
    // Lanes innermost: the 36 vectors of an input channel are written while they are in the cache.
    for input in 0..<inputsPerGroup {
      for lane in stride(from: 0, to: lanes, by: 4) {
        let kernels = (0..<4).map { part in
          starts[lane + part].map { weights + $0 + input * order.inputStride }
        }
        let target = first + input * lanes + lane
        if taps == 3 {
          transform(kernels, taps: 3, Self.rowsOfThree, to: target, pointStep: pointStep)
        } else {
          transform(kernels, taps: 5, Self.rowsOfFive, to: target, pointStep: pointStep)
        }
      }
    }
  }

  /// G·g·Gᵀ of four kernels' numbers, point by point; a kernel that does not exist is zero.
  ///
  /// Inlined, so that the loops over taps are known to the compiler.
  @inline(__always)
  private func transform(
    _ kernels: [UnsafeMutablePointer<Float>?], taps: Int,
    _ rows: borrowing InlineArray<6, SIMD8<Double>>, to target: UnsafeMutablePointer<Float>,
    pointStep: Int
  ) {
    var g = InlineArray<25, SIMD4<Double>>(repeating: .zero)
    for (part, kernel) in kernels.enumerated() {
      guard let kernel else { continue }
      for tap in 0..<taps * taps { g[tap][part] = Double(kernel[tap]) }
    }
    var target = target
    for row in 0..<6 {
      let line = rows[row]
      var sums = InlineArray<5, SIMD4<Double>>(repeating: .zero)
      for column in 0..<taps {
        for tap in 0..<taps { sums[column] += g[tap * taps + column] * line[tap] }
      }
      for column in 0..<6 {
        let line = rows[column]
        var sum = sums[0] * line[0]
        for tap in 1..<taps { sum += sums[tap] * line[tap] }
        UnsafeMutableRawPointer(target).storeBytes(of: SIMD4<Float>(sum), as: SIMD4<Float>.self)
        target += pointStep
      }
    }
  }

  /// The rows of G.
  private static let rowsOfThree = rows(.three)
  private static let rowsOfFive = rows(.five)

  private static func rows(_ transform: WinogradTransform) -> InlineArray<6, SIMD8<Double>> {
    InlineArray { index in
      var row = SIMD8<Double>.zero
      for (tap, number) in transform.weight[index].enumerated() { row[tap] = number }
      return row
    }
  }
}
