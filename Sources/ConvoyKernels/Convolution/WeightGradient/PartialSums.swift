import ConvoyTensors

/// The layout of partial sums: for each part, output plane and pair of input channel and tap, 16
/// numbers.
struct PartialSums: Sendable {
  /// Floats of a plane's sums.
  let planeSize: Int
  private let partSize: Int

  init(_ problem: ConvolutionProblem) {
    planeSize = problem.inputsPerGroup * problem.kernel.volume * PlaneLayout.lanes
    partSize = planeSize * problem.output.planes.count
  }

  /// The floats of all sums.
  func count(parts: Int) -> Int { parts * partSize }

  /// The offset of a plane's sums.
  @inline(__always)
  func start(
    of plane: Int, part: Int, _ sums: UnsafeMutablePointer<Float>
  ) -> UnsafeMutablePointer<Float> {
    sums + part * partSize + plane * planeSize
  }

  /// The number of parts that pixels are divided into: enough to occupy the threads, but none so
  /// small that writing its sums dominates, and none so large that its sums lose accuracy.
  ///
  /// - Parameters:
  ///   - planes: the units of work of each part.
  ///   - products: the vectors that a unit multiplies for each pixel.
  static func partCount(pixels: Int, planes: Int, products: Int) -> Int {
    let most = pixels * products / (1 << 14)
    let shared = (wantedChunks + planes - 1) / planes
    return max(1, min(most, shared), (pixels + mostPixels - 1) / mostPixels)
  }

  static let wantedChunks = 24
  private static let mostPixels = 1 << 14
}

/// Adds the parts of a weight gradient, always in the same order, and stores the totals in the
/// order of the weights' tensor.
struct WeightGradientTotals: Kernel {
  let name = "weight gradient totals"
  private let operands: WeightGradientOperands
  private let sums: PartialSums
  private let partCount: Int
  private let groupOfPlanes: [Int?]
  /// For each lane of each output plane, the offset of its channel's weights, if it has a channel.
  private let starts: [Int?]
  private let pairOffsets: [[Int]]
  /// Whether the pairs of a lane are contiguous in the weights' tensor.
  private let isPlain: Bool
  private let pairs: Chunks

  /// - Parameter method: the method that computes the parts.
  init(
    _ problem: ConvolutionProblem, _ operands: WeightGradientOperands,
    of method: any WeightGradientMethod
  ) {
    self.operands = operands
    sums = PartialSums(problem)
    partCount = method.partCount
    groupOfPlanes = problem.groupOfPlanes
    let order = WeightOrder(problem)
    starts = problem.output.channelsByLane.map {
      $0.map { order.index(output: $0, inputInGroup: 0, tap: 0) }
    }
    let count = problem.inputsPerGroup * problem.kernel.volume
    let taps = problem.kernel.volume
    pairOffsets =
      method.pairOffsets ?? [(0..<count).map { $0 / taps * order.inputStride + $0 % taps }]
    isPlain = method.pairOffsets == nil && order.inputStride == taps
    // Few enough for their vectors to stay in the first-level cache while they are stored lane by
    // lane.
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
    if isPlain {
      return write(plane, pairs, scratch, to: memory[operands.weights])
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
  /// Stores the totals of some pairs, transposed: lanes become rows, four pairs of four lanes at a
  /// time.
  private func write(
    _ plane: Int, _ pairs: Range<Int>, _ totals: UnsafePointer<Float>,
    to weights: UnsafeMutablePointer<Float>
  ) {
    let lanes = PlaneLayout.lanes
    let whole = pairs.count & ~3
    for lane in stride(from: 0, to: lanes, by: 4) {
      let rows = (0..<4).map { part in
        starts[plane * lanes + lane + part].map { weights + $0 + pairs.lowerBound }
      }
      if let a = rows[0], let b = rows[1], let c = rows[2], let d = rows[3] {
        for index in stride(from: 0, to: whole, by: 4) {
          let first = UnsafeRawPointer(totals + index * lanes + lane)
          let (p, q, r, s) = (
            first.four(0), first.four(lanes), first.four(2 * lanes), first.four(3 * lanes)
          )
          let (low, high) = (p.interleavedLow(r), p.interleavedHigh(r))
          let (low2, high2) = (q.interleavedLow(s), q.interleavedHigh(s))
          UnsafeMutableRawPointer(a + index).store(low.interleavedLow(low2))
          UnsafeMutableRawPointer(b + index).store(low.interleavedHigh(low2))
          UnsafeMutableRawPointer(c + index).store(high.interleavedLow(high2))
          UnsafeMutableRawPointer(d + index).store(high.interleavedHigh(high2))
        }
        for index in whole..<pairs.count {
          for (part, row) in [a, b, c, d].enumerated() {
            row[index] = totals[index * lanes + lane + part]
          }
        }
        continue
      }
      for (part, row) in rows.enumerated() {
        guard let row else { continue }
        for index in 0..<pairs.count { row[index] = totals[index * lanes + lane + part] }
      }
    }
  }
}

extension SIMD4<Float> {
  /// The first two numbers of each vector, interleaved.
  @inline(__always)
  fileprivate func interleavedLow(_ other: SIMD4) -> SIMD4 { SIMD4(x, other.x, y, other.y) }

  /// The last two numbers of each vector, interleaved.
  @inline(__always)
  fileprivate func interleavedHigh(_ other: SIMD4) -> SIMD4 { SIMD4(z, other.z, w, other.w) }
}

extension UnsafeRawPointer {
  @inline(__always)
  fileprivate func four(_ offset: Int) -> SIMD4<Float> {
    loadUnaligned(fromByteOffset: Float.byteCount * offset, as: SIMD4<Float>.self)
  }
}

extension UnsafeMutableRawPointer {
  @inline(__always)
  fileprivate func store(_ four: SIMD4<Float>) { storeBytes(of: four, as: SIMD4<Float>.self) }
}
