import ConvoyTensors

/// A kernel that makes sums over parts of the pixels, which `WeightGradientTotals` adds up.
protocol PartialWeightGradient: Kernel {
  /// The parts: cut by the problem alone, so that every number is summed in one order.
  var parts: [[GradientGrid.Block]] { get }
  /// For each group, its pairs of input channel and tap in the order of the sums: what `WeightOrder` adds
  /// for each; nil where that is the order of the weights.
  var pairOffsets: [[Int]]? { get }
}

extension PartialWeightGradient {
  var pairOffsets: [[Int]]? { nil }
}

/// Where partial sums lie: for each part, output plane and pair of input channel and tap, 16 numbers.
struct PartialSums: Sendable {
  /// Floats of a plane's sums.
  let planeSize: Int
  private let partSize: Int

  init(_ problem: ConvolutionProblem) {
    planeSize = problem.inputsPerGroup * problem.kernel.volume * PlaneLayout.lanes
    partSize = planeSize * problem.output.planes.count
  }

  /// Floats of all sums.
  func count(parts: Int) -> Int { parts * partSize }

  /// Where a plane's sums begin.
  @inline(__always)
  func start(
    of plane: Int, part: Int, _ sums: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    sums + part * partSize + plane * planeSize
  }

  /// Into how many parts pixels are cut: enough for threads to share, none too small to pay for its sums,
  /// and none so large that sums of that many numbers grow inexact.
  ///
  /// - Parameters:
  ///   - planes: what is handed out for each part.
  ///   - products: vectors multiplied for a pixel and one of those.
  static func partCount(pixels: Int, planes: Int, products: Int) -> Int {
    let most = pixels * products / (1 << 14)
    let shared = (wantedChunks + planes - 1) / planes
    return max(1, min(most, shared), (pixels + mostPixels - 1) / mostPixels)
  }

  static let wantedChunks = 24
  private static let mostPixels = 1 << 14
}

/// Adds up the parts of a weight gradient, always in the same order, and writes the totals where the
/// weights' tensor has them.
struct WeightGradientTotals: Kernel {
  let name = "weight gradient totals"
  private let operands: WeightGradientOperands
  private let sums: PartialSums
  private let partCount: Int
  private let groupOfPlanes: [Int?]
  /// For each lane of each output plane, where its channel's weights begin, if it has one.
  private let starts: [Int?]
  private let pairOffsets: [[Int]]
  private let pairs: Chunks

  init(
    _ problem: ConvolutionProblem, _ operands: WeightGradientOperands,
    of kernel: any PartialWeightGradient
  ) {
    self.operands = operands
    sums = PartialSums(problem)
    partCount = kernel.parts.count
    groupOfPlanes = problem.groupOfPlanes
    let order = WeightOrder(problem)
    starts = problem.output.channelsByLane.map {
      $0.map { order.index(output: $0, inputInGroup: 0, tap: 0) }
    }
    let count = problem.inputsPerGroup * problem.kernel.volume
    let taps = problem.kernel.volume
    pairOffsets =
      kernel.pairOffsets ?? [(0..<count).map { $0 / taps * order.inputStride + $0 % taps }]
    // Few enough for their vectors to stay in the first-level cache while lane after lane is written.
    pairs = Chunks(items: count, cost: Chunks.worthwhile / 128)
  }

  var chunkCount: Int { starts.count / PlaneLayout.lanes * pairs.count }
  var scratchCount: Int { pairs.size * PlaneLayout.lanes }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let lanes = PlaneLayout.lanes
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: pairs.count)
    let pairs = pairs[part]
    for index in 0..<pairs.count {
      var total = Lanes.zero
      for part in 0..<partCount {
        let source = sums.start(of: plane, part: part, memory[operands.sums])
        total += (source + (pairs.lowerBound + index) * lanes).lanes
      }
      (scratch + index * lanes).lanes = total
    }
    let group = pairOffsets.count > 1 ? groupOfPlanes[plane] ?? 0 : 0
    pairOffsets[group].withUnsafeBufferPointer { offsets in
      for lane in 0..<lanes {
        guard let start = starts[plane * lanes + lane] else { continue }
        let target = memory[operands.weights] + start
        for index in 0..<pairs.count {
          target[offsets[pairs.lowerBound + index]] = scratch[index * lanes + lane]
        }
      }
    }
  }
}
