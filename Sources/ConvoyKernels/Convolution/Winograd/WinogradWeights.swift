import ConvoyTensors

/// Transforms a convolution's weights for `WinogradConvolution`: U = G·g·Gᵀ, computed in Double and
/// rounded once, as [36 points][output plane][input channel of the group][16 lanes].
public struct WinogradWeights: Kernel {
  /// See `Kernel.name`.
  public let name = "transform weights"
  private let source: Region
  private let destination: Region
  private let order: WeightOrder
  /// For each lane of each output plane its channel.
  private let channels: [Int?]
  private let inputsPerGroup: Int

  /// Describes the transform of a problem's weights [O, I∕G, 3, 3].
  public init(_ problem: ConvolutionProblem, from source: Region, to destination: Region) {
    self.source = source
    self.destination = destination
    order = WeightOrder(problem)
    channels = problem.output.channelsByLane
    inputsPerGroup = problem.inputsPerGroup
  }

  /// Floats that a problem's transformed weights take: 4 times the weights, or more where the last
  /// output plane has lanes to spare.
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
        var kernels = InlineArray<9, SIMD4<Double>>(repeating: .zero)
        for part in 0..<4 {
          guard let start = starts[lane + part] else { continue }
          let kernel = weights + start + input * order.inputStride
          for tap in 0..<9 { kernels[tap][part] = Double(kernel[tap]) }
        }
        WinogradWeights.transform(
          kernels, to: first + input * lanes + lane, pointStep: pointStep)
      }
    }
  }

  /// G·g·Gᵀ of four kernels' 3×3 numbers, point by point.
  private static func transform(
    _ g: borrowing InlineArray<9, SIMD4<Double>>, to target: UnsafeMutablePointer<Float>,
    pointStep: Int
  ) {
    let rows = rows
    var target = target
    for row in 0..<6 {
      let line = rows[row]
      let a = g[0] * line[0] + g[3] * line[1] + g[6] * line[2]
      let b = g[1] * line[0] + g[4] * line[1] + g[7] * line[2]
      let c = g[2] * line[0] + g[5] * line[1] + g[8] * line[2]
      for column in 0..<6 {
        let line = rows[column]
        let sum = a * line[0] + b * line[1] + c * line[2]
        UnsafeMutableRawPointer(target).storeBytes(of: SIMD4<Float>(sum), as: SIMD4<Float>.self)
        target += pointStep
      }
    }
  }

  /// The rows of G.
  private static let rows: InlineArray<6, SIMD3<Double>> = InlineArray { index in
    let row = WinogradTransform.weight[index]
    return SIMD3(row[0], row[1], row[2])
  }
}
