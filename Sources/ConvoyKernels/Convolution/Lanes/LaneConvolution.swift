import ConvoyTensors

/// Depthwise and narrowly grouped convolution by generated tiles: see `LaneTile`.
///
/// Lanes read their inputs where they stand, permuted within a vector if need be (`LaneSources`); else
/// the pixels that a chunk needs are first gathered (`LaneGather`).
struct GeneratedLaneConvolution: Kernel {
  let name: String
  let operands: ConvolutionOperands
  let problem: ConvolutionProblem
  private let works: [LaneWork]
  /// For each chunk, its work and which of the work's chunks it is: phases take turns, so that what they
  /// all read and write stays in cache.
  private let places: [(work: Int, chunk: Int)]
  private let gather: LaneGather?
  /// For each output plane which of its pixels' vectors hold channels.
  private let usedVectors: [Range<Int>]

  static func refusal(_ problem: ConvolutionProblem, _ machine: Machine) -> String? {
    if let refusal = problem.refusalOfGeneratedCode(machine) { return refusal }
    if !problem.input.hasLanes { return "its image is row-major" }
    if problem.kernel[2] > 64 { return "lines of \(problem.kernel[2]) taps make too much code" }
    return nil
  }

  /// - Returns: nil where the system refuses memory for code, or no code is generated for the tail.
  init?(_ problem: ConvolutionProblem, _ operands: ConvolutionOperands, _ machine: Machine) {
    self.problem = problem
    self.operands = operands
    usedVectors = problem.usedVectors(machine)
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
    for work in phases {
      let result = LaneWork(
        problem, work, sources, starts: starts, isByLine: isByLine,
        addsResidual: operands.residual != nil, tail, machine)
      guard let result else { return nil }
      works.append(result)
    }
    self.works = works
    let places = works.indices.flatMap { work in
      (0..<works[work].chunks.count).map { (work: work, chunk: $0) }
    }
    func position(_ place: (work: Int, chunk: Int)) -> Double {
      Double(place.chunk) / Double(works[place.work].chunks.count)
    }
    self.places = places.sorted { (position($0), $0.work) < (position($1), $1.work) }
    let access = sources?.access ?? .plain
    name = "\(machine.name) lanes, \(gather == nil ? "\(access)" : "gathered")"
  }

  var chunkCount: Int { places.count }
  var scratchCount: Int { gather?.scratchCount ?? 0 }

  var detail: String { TileFunctions.text(works.map { ($0.tile, 1) }) }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (index, part) = places[chunk]
    let work = works[index]
    TileArguments.with { arguments in
      arguments.set(.steps, work.steps)
      arguments.prepare(operands)
      let items = work.chunks[part]
      var next = items.lowerBound
      while next < items.upperBound {
        let (plane, band) = next.quotientAndRemainder(dividingBy: work.bandsPerPlane)
        let end = min(work.bandsPerPlane, band + items.upperBound - next)
        run(work, index, plane: plane, band..<end, arguments, in: memory, scratch: scratch)
        next += end - band
      }
    }
  }

  /// Computes some bands of a plane, gathering what they read if need be.
  private func run(
    _ work: LaneWork, _ index: Int, plane: Int, _ bands: Range<Int>, _ arguments: TileArguments,
    in memory: Memory, scratch: UnsafeMutablePointer<Float>
  ) {
    let grid = work.grid
    guard let gather else {
      let input = UnsafePointer(memory[operands.input])
      return run(work, plane: plane, bands, input, arguments, memory)
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
      run(work, plane: plane, next..<end, base, arguments, memory)
      next = end
    }
  }

  /// Computes some bands, of the vectors that hold channels.
  private func run(
    _ work: LaneWork, plane: Int, _ bands: Range<Int>, _ input: UnsafePointer<Float>,
    _ arguments: TileArguments, _ memory: Memory
  ) {
    let grid = work.grid
    let output = memory[operands.output] + problem.output.planes[plane]
    let weights = memory[operands.weights] + work.weightStart
    arguments.set(.weights, weights + plane * work.pairs * PlaneLayout.lanes)
    arguments.set(startOf: plane, operands, memory)
    let vectors = usedVectors[plane]
    arguments.set(.firstVector, vectors.lowerBound * work.vectorBytes)
    arguments.set(.endOfVectors, vectors.upperBound * work.vectorBytes)
    arguments.set(residual: plane..<plane + 1, operands, problem, memory)
    var next = bands.lowerBound
    while next < bands.upperBound {
      let rows = work.rows(ofBand: next)
      let count = min(bands.upperBound - next, work.alikeBands(from: next))
      work.withTables(arguments, plane: plane, vectors: vectors, rows: rows.count) {
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
  /// Bands of rows, plane by plane.
  let chunks: Chunks
  let bandsPerPlane: Int
  private let vectorsPerPlane: Int
  /// Bytes of a vector.
  let vectorBytes: Int
  /// For each vector of outputs, the distances of each step's lines, for whole bands and short ones.
  private let distances: [Int]
  private let distancesPerVector: Int
  private let shortDistances: [Int]
  private let shortDistancesPerVector: Int
  /// For each vector of outputs, the lanes' numbers, 16 a step; empty where nothing is permuted.
  private let numbers: [Int32]
  private let numbersPerVector: Int
  private let bandsPerSlice: Int

  init?(
    _ problem: ConvolutionProblem, _ work: PhaseWork, _ sources: LaneSources?, starts: [[Int]],
    isByLine: Bool, addsResidual: Bool, _ tail: TileTail, _ machine: Machine
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
    func distances(rows: Int) -> [Int] {
      let read = LaneTile.lines(tileTaps, rows: rows, rowStep: phase.inputStep[1])
      return starts.flatMap { starts in
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
    vectorsPerPlane = machine.vectorsPerPlane
    vectorBytes = machine.vectorWidth * 4
    numbers = sources?.repeated(ownLines.count) ?? []
    numbersPerVector = numbers.count / max(1, starts.count)
    pairs = problem.inputsPerGroup * taps.count
    weightStart = work.weightStart
    bandsPerSlice = (grid.rowsPerSlice + shape.rows - 1) / shape.rows
    bandsPerPlane = grid.rows / grid.rowsPerSlice * bandsPerSlice
    // Where there are many small planes, several make a chunk: handing each out takes its time.
    let planes = problem.output.planes.count
    chunks = Chunks(
      generated: planes * bandsPerPlane,
      multiplyAdds: shape.rows * grid.columns * PlaneLayout.lanes * max(4, pairs),
      most: max(1, planes / 16) * bandsPerPlane)
    self.distances = distances(rows: shape.rows)
    distancesPerVector = self.distances.count / max(1, starts.count)
    shortDistances = distances(rows: max(1, grid.rowsPerSlice % shape.rows))
    shortDistancesPerVector = shortDistances.count / max(1, starts.count)
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

  /// Runs a body after its arguments have been told where the tables of some of a plane's vectors are.
  @inline(__always)
  func withTables(
    _ arguments: TileArguments, plane: Int, vectors: Range<Int>, rows: Int, _ body: () -> Void
  ) {
    let (distances, size) =
      rows < tile.rows
      ? (shortDistances, shortDistancesPerVector) : (distances, distancesPerVector)
    distances.withUnsafeBufferPointer { distances in
      numbers.withUnsafeBufferPointer { numbers in
        for part in vectors {
          let vector = plane * vectorsPerPlane + part
          if let table = distances.baseAddress {
            arguments.set(.lineDistances, offset: part * vectorBytes, table + vector * size)
          }
          if let table = numbers.baseAddress {
            arguments.set(.lanes, offset: part * vectorBytes, table + vector * numbersPerVector)
          }
        }
        body()
      }
    }
  }

  /// The shape whose tiles are estimated to take the least time.
  private static func shape(
    _ grid: PixelGrid, _ machine: Machine, maximalRows: Int, _ tile: (Int, Int) -> LaneTile
  ) -> (rows: Int, columns: Int) {
    var costs: [SIMD2<Int>: Double] = [:]
    func cost(_ rows: Int, _ columns: Int) -> Double {
      guard rows > 0, columns > 0 else { return 0 }
      let size = SIMD2(rows, columns)
      if let known = costs[size] { return known }
      let cost = tile(rows, columns).cost
      costs[size] = cost
      return cost
    }
    var best = (cost: Double.infinity, rows: 1, columns: 1)
    for rows in 1...min(machine.laneTile.rows, grid.rowsPerSlice, maximalRows) {
      for columns in 1...min(machine.laneTile.sums / rows, grid.columns) {
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
  func repeated(_ count: Int) -> [Int32] {
    let size = access.numbersPerStep
    guard size > 0 else { return [] }
    return numbers.flatMap { numbers in
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

extension ConvolutionProblem {
  /// For each output plane its pixels' vectors from the first to the last that hold channels.
  fileprivate func usedVectors(_ machine: Machine) -> [Range<Int>] {
    let count = machine.vectorsPerPlane
    let channels = output.channelsByLane
    return output.planes.indices.map { plane in
      let used = (0..<count).filter { vector in
        let lane = (plane * count + vector) * machine.vectorWidth
        return channels[lane..<lane + machine.vectorWidth].contains { $0 != nil }
      }
      // A plane that holds nothing may get anything.
      return (used.first ?? 0)..<(used.last ?? 0) + 1
    }
  }
}
