import ConvoyTensors

/// Depthwise and narrowly grouped convolution by generated tiles: see `LaneTile`.
///
/// Lanes read their inputs where they stand, permuted within a vector if need be (`LaneSources`); else
/// the pixels that a chunk needs are first gathered (`LaneGather`).
struct GeneratedLaneConvolution: Kernel {
  let name: String
  let operands: ConvolutionOperands
  let problem: ConvolutionProblem
  let chunkCount: Int
  private let works: [LaneWork]
  private let gather: LaneGather?
  /// Vectors of a plane's pixel.
  private let parts: Int

  static func refusal(_ problem: ConvolutionProblem, _ machine: Machine) -> String? {
    if let refusal = problem.refusalOfGeneratedCode(machine) { return refusal }
    if problem.kernel[2] > 64 { return "lines of \(problem.kernel[2]) taps make too much code" }
    return nil
  }

  /// - Returns: nil where the system refuses memory for code, or no code is generated for the tail.
  init?(_ problem: ConvolutionProblem, _ operands: ConvolutionOperands, _ machine: Machine) {
    self.problem = problem
    self.operands = operands
    parts = machine.vectorsPerPlane
    guard let tail = TileTail(operands.tail) else { return nil }
    // A large kernel's taps are too many for one step: each of its lines becomes a step.
    let isByLine = problem.kernel.volume > 64
    // Four channels of a 5×5 kernel are as much code as the caches of decoded instructions hold.
    let oneByOne = isByLine || problem.kernel.volume > 25
    let sources = LaneSources(problem, machine, oneByOne: oneByOne)
    let phases = PhaseSchedule(problem, joinsImages: false).works
    gather = sources == nil ? LaneGather(problem, phases) : nil
    let starts = sources?.starts ?? LaneSources.gatheredStarts(problem, machine, gather)
    var works: [LaneWork] = []
    var firstChunk = 0
    for work in phases {
      let result = LaneWork(
        problem, work, sources, starts: starts, isByLine: isByLine,
        addsResidual: operands.residual != nil, tail, machine, firstChunk: firstChunk)
      guard let result else { return nil }
      firstChunk += result.chunks.count * problem.output.planes.count
      works.append(result)
    }
    self.works = works
    chunkCount = firstChunk
    let access = sources?.access ?? .plain
    name = "\(machine.name) lanes, \(gather == nil ? "\(access)" : "gathered")"
  }

  var scratchCount: Int { gather?.scratchCount ?? 0 }

  var detail: String { TileFunctions.text(works.map { ($0.tile, 1) }) }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    var index = works.count - 1
    while works[index].firstChunk > chunk { index -= 1 }
    let work = works[index]
    let grid = work.grid
    let (plane, part) = (chunk - work.firstChunk).quotientAndRemainder(
      dividingBy: work.chunks.count)
    let bands = work.chunks[part]
    guard let gather else {
      return run(work, plane: plane, bands, UnsafePointer(memory[operands.input]), memory)
    }
    // Bands of one image at a time: a gathered plane holds one image.
    var next = bands.lowerBound
    while next < bands.upperBound {
      let first = work.rows(ofBand: next).lowerBound
      let image = grid.image(ofRow: first)
      var end = next + 1
      while end < bands.upperBound,
        grid.image(ofRow: work.rows(ofBand: end).lowerBound) == image
      { end += 1 }
      let base = gather.prepare(
        plane: plane, image: image, rows: first..<work.rows(ofBand: end - 1).upperBound,
        of: grid, work: index, from: UnsafePointer(memory[operands.input]), scratch: scratch)
      run(work, plane: plane, next..<end, base, memory)
      next = end
    }
  }

  /// Computes some bands.
  private func run(
    _ work: LaneWork, plane: Int, _ bands: Range<Int>, _ input: UnsafePointer<Float>,
    _ memory: Memory
  ) {
    for part in 0..<parts {
      run(work, plane: plane, part: part, bands: bands, input, memory)
    }
  }

  /// Computes one vector's lanes of some bands.
  private func run(
    _ work: LaneWork, plane: Int, part: Int, bands: Range<Int>, _ input: UnsafePointer<Float>,
    _ memory: Memory
  ) {
    let grid = work.grid
    let lane = part * (PlaneLayout.lanes / parts)
    let vector = plane * parts + part
    let output = memory[operands.output] + problem.output.planes[plane] + lane
    let weights = memory[operands.weights] + work.weightStart
    TileArguments.with { arguments in
      arguments.set(.steps, work.steps)
      arguments.set(.weights, weights + plane * work.pairs * PlaneLayout.lanes + lane)
      arguments.set(bias: plane..<plane + 1, from: lane, operands, memory)
      arguments.set(residual: plane..<plane + 1, operands, problem, memory)
      var next = bands.lowerBound
      while next < bands.upperBound {
        let rows = work.rows(ofBand: next)
        let count = min(bands.upperBound - next, work.alikeBands(from: next))
        work.withTables(vector, rows: rows.count) { distances, numbers in
          if let distances { arguments.set(.distances, distances) }
          if let numbers { arguments.set(.lanes, numbers) }
          work.tile.run(rows: rows.count, columns: 0..<grid.columns, arguments) { column in
            arguments.set(.bands, count)
            arguments.set(.inputBandStep, 4 * rows.count * grid.inputRowStep)
            arguments.set(.outputBandStep, 4 * rows.count * grid.outputRowStep)
            let from = grid.inputOffset(ofRow: rows.lowerBound) + column * grid.inputColumnStep
            let to = grid.outputOffset(ofRow: rows.lowerBound) + column * grid.outputColumnStep
            arguments.set(.inputs, input + from)
            for row in rows.indices {
              arguments.set(
                .outputs, at: row - rows.lowerBound,
                output + to + (row - rows.lowerBound) * grid.outputRowStep)
            }
          }
        }
        next += count
      }
    }
  }
}

/// The work of one phase of a convolution lane by lane: its tiles, and what they are told.
///
/// A class, since each chunk takes hold of one: copies of its tables' references would cost more than a
/// small plane's sums.
private final class LaneWork: Sendable {
  let grid: PixelGrid
  let tile: TileFunctions
  let steps: Int
  /// Vectors of weights of an output plane.
  let pairs: Int
  let weightStart: Int
  let firstChunk: Int
  /// Bands of rows of a plane.
  let chunks: Chunks
  /// For each vector of outputs, the distances of each step's lines, for whole bands and short ones.
  private let distances: [[Int]]
  private let shortDistances: [[Int]]
  /// For each vector of outputs, the lanes' numbers, 16 a step; empty where nothing is permuted.
  private let numbers: [[Int32]]
  private let bandsPerSlice: Int

  init?(
    _ problem: ConvolutionProblem, _ work: PhaseWork, _ sources: LaneSources?, starts: [[Int]],
    isByLine: Bool, addsResidual: Bool, _ tail: TileTail, _ machine: Machine, firstChunk: Int
  ) {
    let phase = work.phase
    let access = sources?.access ?? .plain
    let firstColumn = phase.taps.map { $0.offset[2] }.min() ?? 0
    let taps = phase.taps.map { $0.offset &- [0, 0, firstColumn] }
    // By lines, every line is a step of its own with the taps of the first, which are all alike; in
    // the order of the weights, which for a transposed convolution is from the last line to the first.
    let lines = taps.reduce(into: [LaneTile.Line]()) { lines, tap in
      let line = LaneTile.Line(tap[0], tap[1])
      if lines.last != line { lines.append(line) }
    }
    let ownLines = isByLine ? lines : [LaneTile.Line(0, 0)]
    let tileTaps =
      isByLine
      ? taps.filter { LaneTile.Line($0[0], $0[1]) == lines[0] }.map { [0, 0, $0[2]] } : taps
    let steps = problem.inputsPerGroup / access.channels * ownLines.count
    func tile(_ rows: Int, _ columns: Int) -> LaneTile {
      LaneTile(
        machine: machine, rows: rows, columns: columns, taps: tileTaps,
        rowStep: phase.inputStep[1], columnStep: phase.inputStep[2],
        outputStep: work.grid.outputColumnStep * 4, access: access, isSingleStep: steps == 1,
        addsResidual: addsResidual, tail: tail)
    }
    let grid = work.grid
    let shape = LaneWork.shape(grid, machine, maximalRows: isByLine ? 1 : .max, tile)
    guard
      let functions = TileFunctions(
        rows: shape.rows, columns: shape.columns, gridRows: grid.rowsPerSlice,
        gridColumns: grid.columns, tile)
    else { return nil }
    func distances(rows: Int) -> [[Int]] {
      let read = LaneTile.lines(tileTaps, rows: rows, rowStep: phase.inputStep[1])
      return starts.map { starts in
        stride(from: 0, to: starts.count, by: access.sources).flatMap { step in
          ownLines.flatMap { own in
            starts[step..<step + access.sources].flatMap { start in
              read.map { line in
                let position: Extents = [line[0] + own[0], line[1] + own[1], firstColumn]
                return (start + problem.input.distance(position)) * 4
              }
            }
          }
        }
      }
    }
    self.grid = grid
    self.tile = functions
    self.steps = steps
    self.firstChunk = firstChunk
    numbers = sources?.repeated(ownLines.count) ?? []
    pairs = problem.inputsPerGroup * taps.count
    weightStart = work.weightStart
    bandsPerSlice = (grid.rowsPerSlice + shape.rows - 1) / shape.rows
    chunks = Chunks(
      generated: grid.rows / grid.rowsPerSlice * bandsPerSlice,
      multiplyAdds: shape.rows * grid.columns * PlaneLayout.lanes * max(4, pairs))
    self.distances = distances(rows: shape.rows)
    shortDistances = distances(rows: max(1, grid.rowsPerSlice % shape.rows))
  }

  /// The rows of a band, which lie below one another in one image.
  func rows(ofBand band: Int) -> Range<Int> {
    let (slice, inSlice) = band.quotientAndRemainder(dividingBy: bandsPerSlice)
    let first = inSlice * tile.rows
    let end = min(grid.rowsPerSlice, first + tile.rows)
    return slice * grid.rowsPerSlice + first..<slice * grid.rowsPerSlice + end
  }

  /// How many bands, from this one on, are as high and lie in the same image.
  func alikeBands(from band: Int) -> Int {
    max(1, grid.rowsPerSlice / tile.rows - band % bandsPerSlice)
  }

  /// Runs a body with the tables of a vector of outputs.
  func withTables(
    _ vector: Int, rows: Int, _ body: (UnsafePointer<Int>?, UnsafePointer<Int32>?) -> Void
  ) {
    let distances = (rows < tile.rows ? shortDistances : distances)[vector]
    distances.withUnsafeBufferPointer { distances in
      guard vector < numbers.count else { return body(distances.baseAddress, nil) }
      numbers[vector].withUnsafeBufferPointer { body(distances.baseAddress, $0.baseAddress) }
    }
  }

  /// The shape whose tiles are estimated to take the least time.
  private static func shape(
    _ grid: PixelGrid, _ machine: Machine, maximalRows: Int, _ tile: (Int, Int) -> LaneTile
  ) -> (rows: Int, columns: Int) {
    var costs: [LaneTile: Double] = [:]
    func cost(_ rows: Int, _ columns: Int) -> Double {
      guard rows > 0, columns > 0 else { return 0 }
      let tile = tile(rows, columns)
      if let known = costs[tile] { return known }
      let cost = tile.cost
      costs[tile] = cost
      return cost
    }
    var best = (cost: Double.infinity, rows: 1, columns: 1)
    for rows in 1...min(machine.laneTile.rows, grid.rowsPerSlice, maximalRows) {
      for columns in 1...min(machine.laneTile.columns, grid.columns) {
        func band(_ rows: Int) -> Double {
          Double(grid.columns / columns) * cost(rows, columns) + cost(rows, grid.columns % columns)
        }
        let (bands, rest) = grid.rowsPerSlice.quotientAndRemainder(dividingBy: rows)
        let total = Double(bands) * band(rows) + band(rest)
        if total < best.cost { best = (total, rows, columns) }
      }
    }
    return (best.rows, best.columns)
  }
}

extension LaneSources {
  /// The lanes' numbers, each channel's as often as it has steps.
  func repeated(_ count: Int) -> [[Int32]] {
    let size = access.numbersPerStep
    guard size > 0 else { return [] }
    return numbers.map { numbers in
      stride(from: 0, to: numbers.count, by: size).flatMap { first in
        (0..<count).flatMap { _ in numbers[first..<first + size] }
      }
    }
  }

  /// Where each step reads once the lanes have been gathered, for each vector of outputs.
  static func gatheredStarts(
    _ problem: ConvolutionProblem, _ machine: Machine, _ gather: LaneGather?
  ) -> [[Int]] {
    problem.output.planes.indices.flatMap { plane in
      (0..<machine.vectorsPerPlane).map { part in
        (0..<problem.inputsPerGroup).map { channel in
          (gather?.start(plane: plane, channel: channel) ?? 0) + part * machine.vectorWidth
        }
      }
    }
  }
}
