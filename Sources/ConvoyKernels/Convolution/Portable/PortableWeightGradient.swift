import ConvoyTensors

/// The gradient of a convolution's weights in plain Swift.
///
/// Each output plane has 16 sums for each pair of input channel and tap: the sums of the gradient's
/// pixels, each multiplied with the pixel that the pair reads. A chunk is an output plane and some
/// of its pairs, so that one thread computes each sum, in one order.
private struct PortableWeightGradient: Kernel {
  let name: String
  let operands: WeightGradientOperands
  let problem: ConvolutionProblem
  private let work: PhaseWork
  private let order: WeightOrder
  /// For each lane of each output plane, its channel.
  private let channels: [Int?]
  private let pairChunks: Chunks
  /// For each output plane, the distances of its pairs.
  private let distances: [[Int]]
  /// Gathers inputs where each lane multiplies its own; nil where one number is broadcast to all
  /// lanes.
  private let gather: LaneGather.Placed?
  private let gatheredCount: Int
  /// The offsets of each row in the image's planes and in the gradient's.
  private let rowStarts: [(input: Int, gradient: Int)]
  /// The rows that are processed for all pairs before the next rows, so that their pixels stay in
  /// cache.
  private let rowsPerVisit: Int

  init(
    _ name: String, _ problem: ConvolutionProblem, _ operands: WeightGradientOperands,
    _ work: PhaseWork, _ gather: LaneGather?
  ) {
    self.name = name
    self.problem = problem
    self.operands = operands
    self.work = work
    let planes = operands.input.planes
    let placed = gather?.placed(at: planes)
    self.gather = placed
    gatheredCount = gather?.scratchCount ?? 0
    distances =
      placed?.distances[0]
      ?? problem.groupOfPlanes.map {
        problem.sources(group: $0 ?? 0, work.phase.taps).map { $0.placed(planes) }
      }
    order = WeightOrder(problem)
    channels = problem.output.channelsByLane
    let grid = work.grid
    rowStarts = (0..<grid.rows).map {
      (grid.inputOffset(ofRow: $0), grid.outputOffset(ofRow: $0))
    }
    let pixels = work.grid.rows * work.grid.columns
    pairChunks = Chunks(
      items: problem.inputsPerGroup * problem.kernel.volume, cost: max(1, pixels * 8))
    rowsPerVisit = max(1, 128 / work.grid.columns)
  }

  var chunkCount: Int { problem.output.planes.count * pairChunks.count }
  var scratchCount: Int { pairChunks.size * PlaneLayout.lanes + gatheredCount }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: pairChunks.count)
    let pairs = pairChunks[part]
    let sums = scratch
    let gathered = scratch + pairChunks.size * PlaneLayout.lanes
    for index in 0..<pairs.count * PlaneLayout.lanes { sums[index] = 0 }
    let input = UnsafePointer(memory[operands.input.base])
    let gradient = UnsafePointer(operands.gradient.start(of: plane, in: memory))
    let grid = work.grid
    var row = 0
    while row < grid.rows {
      var end = min(row + rowsPerVisit, grid.rows)
      var base = input
      if let gather {
        let rows = grid.rowsOfImage(from: row, before: end)
        end = rows.upperBound
        base = gather.prepare(
          plane: plane, PixelBlock(rows: rows, columns: 0..<grid.columns), of: grid, phase: 0,
          from: input, scratch: gathered)
      }
      distances[plane].withUnsafeBufferPointer { distances in
        let distances = UnsafeBufferPointer(rebasing: distances[pairs])
        // Two calls, so that each loop is specialised for its way of reading.
        if gather == nil {
          accumulate(DenseAccess.self, distances, row..<end, base, gradient, sums)
        } else {
          accumulate(LaneAccess.self, distances, row..<end, base, gradient, sums)
        }
      }
      row = end
    }
    scatter(sums, plane: plane, pairs: pairs, to: memory[operands.weights])
  }

  /// Adds some rows' products to the sums, two pairs at a time. Three pairs fill 12 of 16 registers
  /// of 4 floats with sums; the compiler holds the gradient in 4 more, and spills. Two were
  /// measured to be twice as fast.
  @inline(__always)
  private func accumulate<Access: InputAccess>(
    _ access: Access.Type, _ distances: UnsafeBufferPointer<Int>, _ rows: Range<Int>,
    _ input: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    let columns = work.grid.columns
    let (inputStep, gradientStep) = (work.grid.inputColumnStep, work.grid.outputColumnStep)
    var pair = 0
    while pair < distances.count {
      let (first, second) = (distances[pair], distances[min(pair + 1, distances.count - 1)])
      var (a, b) = (Lanes.zero, Lanes.zero)
      for row in rows {
        var x = input + rowStarts[row].input
        var g = gradient + rowStarts[row].gradient
        for _ in 0..<columns {
          let lanes = g.lanes
          a += Access.load(x + first) * lanes
          b += Access.load(x + second) * lanes
          x += inputStep
          g += gradientStep
        }
      }
      let target = sums + pair * PlaneLayout.lanes
      target.lanes += a
      if pair + 1 < distances.count { (target + PlaneLayout.lanes).lanes += b }
      pair += 2
    }
  }

  /// Stores the sums in the order of the weights' tensor.
  private func scatter(
    _ sums: UnsafePointer<Float>, plane: Int, pairs: Range<Int>,
    to weights: UnsafeMutablePointer<Float>
  ) {
    let taps = problem.kernel.volume
    let lanes = PlaneLayout.lanes
    for (position, pair) in pairs.enumerated() {
      for lane in 0..<lanes {
        guard let channel = channels[plane * lanes + lane] else { continue }
        let index = order.index(output: channel, inputInGroup: pair / taps, tap: pair % taps)
        weights[index] = sums[position * lanes + lane]
      }
    }
  }
}

/// Weight gradients in plain Swift of convolutions each of whose output planes belongs to one
/// group.
struct PortableDenseWeightGradient: WeightGradientMethod {
  static let title = "portable weight gradient, dense"
  let name = title
  private let problem: ConvolutionProblem
  private let work: PhaseWork

  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) throws(Refusal) {
    _ = try problem.requirePlanesOfGroups()
    self.problem = problem
    work = PhaseWork(problem.phases[0], problem, weightStart: 0, joinsImages: true)
  }

  var partCount: Int { 0 }

  func kernel(at operands: WeightGradientOperands) -> any Kernel {
    PortableWeightGradient(name, problem, operands, work, nil)
  }
}

/// Weight gradients in plain Swift of depthwise and narrowly grouped convolutions.
struct PortableLaneWeightGradient: WeightGradientMethod {
  static let title = "portable weight gradient, lane by lane"
  let name = title
  private let problem: ConvolutionProblem
  private let work: PhaseWork
  private let gather: LaneGather

  /// Plans any problem.
  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) {
    self.problem = problem
    work = PhaseWork(problem.phases[0], problem, weightStart: 0, joinsImages: false)
    gather = LaneGather(problem, [work.phase])
  }

  var partCount: Int { 0 }

  func kernel(at operands: WeightGradientOperands) -> any Kernel {
    PortableWeightGradient(name, problem, operands, work, gather)
  }
}
