import ConvoyTensors

/// How an inner loop reads its input: one number for all lanes, or one for each.
protocol InputAccess: Sendable {
  static func load(_ address: UnsafePointer<Float>) -> Lanes
}

/// All lanes multiply the same input channel: dense convolutions.
enum BroadcastAccess: InputAccess {
  @inline(__always)
  static func load(_ address: UnsafePointer<Float>) -> Lanes { Lanes(repeating: address.pointee) }
}

/// Each lane multiplies a channel of its own: depthwise and narrow groups.
enum LaneAccess: InputAccess {
  @inline(__always)
  static func load(_ address: UnsafePointer<Float>) -> Lanes { address.lanes }
}

/// The inner loops of portable convolution: a row of output pixels of one plane, each the sum over
/// pairs of input channel and tap, the pairs given by their distances in memory.
struct RowConvolver<Access: InputAccess> {
  /// For each pair, floats from the pixel a row begins at to where the pair reads.
  let distances: UnsafeBufferPointer<Int>
  /// For each pair, a row of 16 weights.
  let weights: UnsafePointer<Float>
  let bias: Lanes
  let tail: Tail
  /// Bytes from an output to what is added to it; nil for nothing.
  let residualDistance: Int?
  let inputStep: Int
  let outputStep: Int

  /// Computes a number of neighbouring output pixels.
  @inline(__always)
  func convolve(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, columns: Int
  ) {
    var column = 0
    // Three pixels of 16 channels: see Machine.portable.
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
      target.lanes = tail(sum)
      return
    }
    let other = UnsafeRawPointer(target) + residualDistance
    target.lanes = tail(sum + other.assumingMemoryBound(to: Float.self).lanes)
  }
}

/// One phase of a convolution, cut into chunks of an output plane and some of its rows.
struct PhaseWork: Sendable {
  let phase: Phase
  let grid: PixelGrid
  /// Where the phase's packed weights begin.
  let weightStart: Int
  /// A single row is cut into blocks of columns; several are handed out whole.
  let blocksPerRow: Int
  let chunks: Chunks

  init(_ phase: Phase, _ problem: ConvolutionProblem, weightStart: Int, joinsImages: Bool) {
    self.phase = phase
    self.weightStart = weightStart
    grid = PixelGrid(
      phase, input: problem.input, output: problem.output, joinsImages: joinsImages)
    let block = 24
    blocksPerRow = grid.rows == 1 ? (grid.columns + block - 1) / block : 1
    let columns = grid.rows == 1 ? block : grid.columns
    chunks = Chunks(
      items: grid.rows * blocksPerRow,
      cost: columns * problem.inputsPerGroup * phase.taps.count * 8)
  }

  /// The row and columns of an item.
  func part(_ item: Int) -> (row: Int, columns: Range<Int>) {
    let (row, block) = item.quotientAndRemainder(dividingBy: blocksPerRow)
    guard blocksPerRow > 1 else { return (row, 0..<grid.columns) }
    let size = (grid.columns + blocksPerRow - 1) / blocksPerRow
    return (row, block * size..<min(grid.columns, (block + 1) * size))
  }
}

/// Finds the phase, output plane and chunk that a chunk's number stands for.
struct PhaseSchedule: Sendable {
  let works: [PhaseWork]
  let planeCount: Int
  private let firstChunks: [Int]
  let chunkCount: Int

  init(_ problem: ConvolutionProblem, joinsImages: Bool) {
    let starts = WeightPacking.starts(problem)
    works = zip(problem.phases, starts).map {
      PhaseWork($0, problem, weightStart: $1, joinsImages: joinsImages)
    }
    planeCount = problem.output.planes.count
    var first = 0
    var firsts: [Int] = []
    for work in works {
      firsts.append(first)
      first += work.chunks.count * planeCount
    }
    firstChunks = firsts
    chunkCount = first
  }

  func locate(_ chunk: Int) -> (work: Int, plane: Int, items: Range<Int>) {
    var index = works.count - 1
    while firstChunks[index] > chunk { index -= 1 }
    let (plane, part) = (chunk - firstChunks[index]).quotientAndRemainder(
      dividingBy: works[index].chunks.count)
    return (index, plane, works[index].chunks[part])
  }
}

// MARK: - Broadcast

extension ConvolutionProblem {
  /// For each pair of a group's input channel and a tap, floats from the input's base to where the pair
  /// reads: this is what lets a convolution read channels from any planes in any order.
  func broadcastDistances(group: Int, _ taps: [Phase.Tap]) -> [Int] {
    (0..<inputsPerGroup).flatMap { channel in
      let position = input.map[group * inputsPerGroup + channel]
      return taps.map {
        input.planes[position.plane] + position.lane + input.distance($0.offset)
      }
    }
  }
}

/// Dense convolution in plain Swift: each input channel's number is multiplied with the weights of 16
/// output channels. Reads its channels from any planes and lanes.
struct PortableBroadcastConvolution: Kernel {
  let name = "portable broadcast"
  let operands: ConvolutionOperands
  let problem: ConvolutionProblem
  private let schedule: PhaseSchedule
  /// For each phase and group, the distances of its pairs.
  private let distances: [[[Int]]]
  private let groupOfPlanes: [Int]

  static func refusal(_ problem: ConvolutionProblem) -> String? {
    problem.planesOfGroups == nil
      ? "planes of \(PlaneLayout.lanes) outputs hold several groups of \(problem.outputsPerGroup)"
      : nil
  }

  init(_ problem: ConvolutionProblem, _ operands: ConvolutionOperands) {
    self.problem = problem
    self.operands = operands
    schedule = PhaseSchedule(problem, joinsImages: true)
    groupOfPlanes = problem.groupOfPlanes.map { $0 ?? 0 }
    distances = schedule.works.map { work in
      (0..<problem.groups).map { problem.broadcastDistances(group: $0, work.phase.taps) }
    }
  }

  var chunkCount: Int { schedule.chunkCount }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (index, plane, items) = schedule.locate(chunk)
    let work = schedule.works[index]
    let group = groupOfPlanes[plane]
    let input = UnsafePointer(memory[operands.input])
    let output = memory[operands.output] + problem.output.planes[plane]
    distances[index][group].withUnsafeBufferPointer { distances in
      let convolver = RowConvolver<BroadcastAccess>(
        distances: distances,
        weights: memory[operands.weights] + work.weightStart + plane * distances.count * 16,
        bias: operands.bias(plane, memory), tail: operands.tail,
        residualDistance: operands.residualDistance(plane, of: problem, memory),
        inputStep: work.grid.inputColumnStep, outputStep: work.grid.outputColumnStep)
      for item in items {
        let (row, columns) = work.part(item)
        convolver.convolve(
          input + work.grid.inputOffset(ofRow: row)
            + columns.lowerBound * work.grid.inputColumnStep,
          output + work.grid.outputOffset(ofRow: row)
            + columns.lowerBound * work.grid.outputColumnStep,
          columns: columns.count)
      }
    }
  }
}

// MARK: - Lane by lane

/// Depthwise and narrowly grouped convolution in plain Swift: each lane multiplies the inputs of its own
/// group. Where lanes do not stand in the input as they do in the output, the pixels a chunk needs are
/// first gathered into planes of their own, one for each input channel of a group.
struct PortableLaneConvolution: Kernel {
  let name = "portable lane by lane"
  let operands: ConvolutionOperands
  let problem: ConvolutionProblem
  private let schedule: PhaseSchedule
  private let gather: LaneGather

  init(_ problem: ConvolutionProblem, _ operands: ConvolutionOperands) {
    self.problem = problem
    self.operands = operands
    schedule = PhaseSchedule(problem, joinsImages: false)
    gather = LaneGather(problem, schedule.works)
  }

  var chunkCount: Int { schedule.chunkCount }
  var scratchCount: Int { gather.scratchCount }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (index, plane, items) = schedule.locate(chunk)
    let work = schedule.works[index]
    let input = UnsafePointer(memory[operands.input])
    let output = memory[operands.output] + problem.output.planes[plane]
    var row = items.lowerBound
    while row < items.upperBound {
      // Rows of one image at a time: a gathered plane holds one image.
      let image = work.grid.image(ofRow: row)
      var end = row + 1
      while end < items.upperBound, work.grid.image(ofRow: end) == image { end += 1 }
      let base = gather.prepare(
        plane: plane, image: image, rows: row..<end, of: work.grid, work: index, from: input,
        scratch: scratch)
      gather.distances[index][plane].withUnsafeBufferPointer { distances in
        let convolver = RowConvolver<LaneAccess>(
          distances: distances,
          weights: memory[operands.weights] + work.weightStart + plane * distances.count * 16,
          bias: operands.bias(plane, memory), tail: operands.tail,
          residualDistance: operands.residualDistance(plane, of: problem, memory),
          inputStep: work.grid.inputColumnStep, outputStep: work.grid.outputColumnStep)
        for row in row..<end {
          convolver.convolve(
            base + work.grid.inputOffset(ofRow: row),
            output + work.grid.outputOffset(ofRow: row), columns: work.grid.columns)
        }
      }
      row = end
    }
  }
}
