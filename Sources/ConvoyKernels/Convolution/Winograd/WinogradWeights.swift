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
      for (lane, start) in starts.enumerated() {
        let target = first + input * lanes + lane
        guard let start else {
          for point in 0..<36 { target[point * pointStep] = 0 }
          continue
        }
        WinogradWeights.transform(weights + start + input * order.inputStride) { point, value in
          target[point * pointStep] = Float(value)
        }
      }
    }
  }

  /// G·g·Gᵀ of a kernel's 3×3 numbers, point by point.
  private static func transform(
    _ g: UnsafePointer<Float>, _ store: (_ point: Int, _ value: Double) -> Void
  ) {
    let matrix = rows
    var point = 0
    for row in matrix {
      var columns = SIMD3<Double>.zero
      for tap in 0..<3 {
        let line = SIMD3(Double(g[3 * tap]), Double(g[3 * tap + 1]), Double(g[3 * tap + 2]))
        columns += row[tap] * line
      }
      for column in matrix {
        store(point, (columns * column).sum())
        point += 1
      }
    }
  }

  /// The rows of G.
  private static let rows = WinogradTransform.weight.map { SIMD3($0[0], $0[1], $0[2]) }
}
