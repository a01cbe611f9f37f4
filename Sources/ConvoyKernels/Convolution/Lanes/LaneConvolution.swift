import ConvoyTensors
import ConvoyTiles

/// Depthwise and narrowly grouped convolution by generated micro-kernels: see `LaneTile`.
///
/// Where possible, lanes read their inputs in place, permuted within a vector if need be
/// (`LaneSources`). Otherwise the pixels that a chunk reads are gathered first (`LaneGather`).
struct LaneConvolution: ConvolutionMethod {
  static let title = "generated lanes"
  let name: String
  let problem: ConvolutionProblem
  private let works: [LaneWork]
  /// The chunks of the phases are interleaved, so that what all phases read and write stays in
  /// cache.
  private let chunks: [PieceChunk]
  private let gather: LaneGather?
  /// For each output plane, the range of its pixels' vectors that hold channels.
  private let usedVectors: [Range<Int>]

  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try problem.requireLanes(machine)
    let activation = ActivationKind(problem.epilogue)
    self.problem = problem
    usedVectors = problem.usedVectors(machine)
    // A large kernel has too many taps for one step: each of its lines becomes a step.
    let isByLine = problem.kernel.volume > 64
    // The code of four channels of a 5×5 kernel fills the caches of decoded instructions.
    let oneByOne = isByLine || problem.kernel.volume > 25
    let sources = LaneSources(problem, machine, oneByOne: oneByOne)
    let phases = PhaseSchedule(problem, joinsImages: false).works
    gather = sources == nil ? LaneGather(problem, phases.map(\.phase)) : nil
    let starts = sources?.starts ?? LaneSources.gatheredStarts(problem, machine, gather)
    var works: [LaneWork] = []
    for phase in phases {
      works.append(
        try LaneWork(
          problem, phase, sources, starts: starts, isByLine: isByLine, activation, machine))
    }
    self.works = works
    chunks = PieceChunk.interleaved(works.map(\.chunks.count))
    let access = sources?.access ?? .plain
    name = "\(machine.name) lanes, \(gather == nil ? "\(access)" : "gathered")"
  }

  var detail: String { TileFunctions.text(works.map { ($0.tile, 1) }) }

  func kernel(at operands: ConvolutionOperands) -> any Kernel {
    let planes = operands.input.planes
    return Placed(
      name: name, detail: detail, epilogue: problem.epilogue, operands: operands, chunks: chunks,
      works: works.map { PlacedWork($0, planes) }, gather: gather?.placed(at: planes),
      scratchCount: gather?.scratchCount ?? 0, usedVectors: usedVectors)
  }

  /// The method with operands at given addresses.
  private struct Placed: Kernel {
    let name: String
    let detail: String
    let epilogue: ScalarFunction?
    let operands: ConvolutionOperands
    let chunks: [PieceChunk]
    let works: [PlacedWork]
    let gather: LaneGather.Placed?
    let scratchCount: Int
    let usedVectors: [Range<Int>]

    var chunkCount: Int { chunks.count }

    func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
      let place = chunks[chunk]
      let placed = works[place.piece]
      TileArguments<LaneField>.with { arguments in
        arguments.set(.steps, placed.work.steps)
        arguments.prepareStartOfSums()
        arguments.set(parametersOf: epilogue)
        let items = placed.work.chunks[place.chunk]
        var next = items.lowerBound
        while next < items.upperBound {
          let (plane, band) = next.quotientAndRemainder(dividingBy: placed.work.bandsPerPlane)
          let end = min(placed.work.bandsPerPlane, band + items.upperBound - next)
          run(
            placed, place.piece, plane: plane, band..<end, arguments, in: memory, scratch: scratch)
          next += end - band
        }
      }
    }

    /// Computes some bands of a plane, after gathering what they read if need be.
    private func run(
      _ placed: PlacedWork, _ phase: Int, plane: Int, _ bands: Range<Int>,
      _ arguments: TileArguments<LaneField>, in memory: Memory, scratch: UnsafeMutablePointer<Float>
    ) {
      let input = UnsafePointer(memory[operands.input.base])
      guard let gather else { return run(placed, plane: plane, bands, input, arguments, memory) }
      // Bands of one image at a time: a gathered plane holds one image.
      let grid = placed.work.grid
      var next = bands.lowerBound
      while next < bands.upperBound {
        let first = placed.work.rows(ofBand: next).lowerBound
        let rows = grid.rowsOfImage(
          from: first, before: placed.work.rows(ofBand: bands.upperBound - 1).upperBound)
        let base = gather.prepare(
          plane: plane, PixelBlock(rows: rows, columns: 0..<grid.columns), of: grid, phase: phase,
          from: input, scratch: scratch)
        var end = next + 1
        while end < bands.upperBound,
          placed.work.rows(ofBand: end).lowerBound < rows.upperBound
        { end += 1 }
        run(placed, plane: plane, next..<end, base, arguments, memory)
        next = end
      }
    }

    /// Computes some bands, for the vectors that hold channels.
    private func run(
      _ placed: PlacedWork, plane: Int, _ bands: Range<Int>, _ input: UnsafePointer<Float>,
      _ arguments: TileArguments<LaneField>, _ memory: Memory
    ) {
      let grid = placed.work.grid
      let output = operands.output.start(of: plane, in: memory)
      let weights = memory[operands.weights] + placed.work.weightStart
      arguments.set(.weights, weights + plane * placed.work.pairs * PlaneLayout.lanes)
      arguments.set(startOf: plane, operands, memory)
      let vectors = usedVectors[plane]
      arguments.set(.firstVector, vectors.lowerBound * placed.work.vectorBytes)
      arguments.set(.endOfVectors, vectors.upperBound * placed.work.vectorBytes)
      arguments.set(residual: plane..<plane + 1, operands, memory)
      var next = bands.lowerBound
      while next < bands.upperBound {
        let rows = placed.work.rows(ofBand: next)
        let count = min(bands.upperBound - next, placed.work.alikeBands(from: next))
        placed.withTables(arguments, plane: plane, vectors: vectors, rows: rows.count) {
          placed.work.tile.run(rows: rows.count, columns: 0..<grid.columns, arguments) { column in
            arguments.set(.bands, count)
            arguments.set(.inputBandStep, Float.byteCount * rows.count * grid.inputRowStep)
            arguments.set(.outputBandStep, Float.byteCount * rows.count * grid.outputRowStep)
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

/// The work of one phase with input planes at given addresses.
///
/// A class, because each chunk retains one: retaining every table of a struct would cost more than
/// the sums of a small plane.
private final class PlacedWork: Sendable {
  let work: LaneWork
  /// For each vector of outputs, the distances in bytes of each step's lines, first for whole
  /// bands, then for short ones.
  private let distances: [Int]
  private let shortDistances: [Int]

  init(_ work: LaneWork, _ planes: [Int]) {
    self.work = work
    distances = work.lines.map { Float.byteCount * $0.placed(planes) }
    shortDistances = work.shortLines.map { Float.byteCount * $0.placed(planes) }
  }

  /// Runs a body with the tables of some of a plane's vectors set in its arguments.
  @inline(__always)
  func withTables(
    _ arguments: TileArguments<LaneField>, plane: Int, vectors: Range<Int>, rows: Int,
    _ body: () -> Void
  ) {
    let (distances, size) =
      rows < work.tile.rows
      ? (shortDistances, work.shortLinesPerVector) : (distances, work.linesPerVector)
    distances.withUnsafeBufferPointer { distances in
      work.numbers.withUnsafeBufferPointer { numbers in
        for part in vectors {
          let vector = plane * work.vectorsPerPlane + part
          if let table = distances.baseAddress {
            arguments.set(.lineDistances, offset: part * work.vectorBytes, table + vector * size)
          }
          if let table = numbers.baseAddress {
            arguments.set(
              .lanes, offset: part * work.vectorBytes, table + vector * work.numbersPerVector)
          }
        }
        body()
      }
    }
  }
}

extension TileArguments<LaneField> {
  /// Provides zeros as initial values of sums, for planes without a bias.
  fileprivate func prepareStartOfSums() {
    base.storeBytes(of: .zero, toByteOffset: CommonField.bias.rawValue, as: Lanes.self)
  }

  /// Sets the address of the initial values of a plane's sums.
  fileprivate func set(startOf plane: Int, _ operands: ConvolutionOperands, _ memory: Memory) {
    let bias = operands.bias.map { UnsafeRawPointer(memory[$0] + plane * PlaneLayout.lanes) }
    let zeros = UnsafeRawPointer(base + CommonField.bias.rawValue)
    set(.startOfSums, Int(bitPattern: bias ?? zeros))
  }
}

extension ConvolutionProblem {
  /// Refuses problems that no lane-wise code can compute.
  func requireLanes(_ machine: Machine) throws(Refusal) {
    try requireGeneratedCode(machine)
    if !input.hasLanes { throw Refusal("its image is row-major") }
    if kernel[2] > 64 { throw Refusal("lines of \(kernel[2]) taps make too much code") }
  }

  /// For each output plane, the range from the first to the last of its pixels' vectors that hold
  /// channels.
  fileprivate func usedVectors(_ machine: Machine) -> [Range<Int>] {
    let count = machine.vectorsPerPlane
    let channels = output.channelsByLane
    return output.planes.indices.map { plane in
      let used = (0..<count).filter { vector in
        let lane = (plane * count + vector) * machine.vectorWidth
        return channels[lane..<lane + machine.vectorWidth].contains { $0 != nil }
      }
      // Any range is correct for a plane that holds no channels.
      return (used.first ?? 0)..<(used.last ?? 0) + 1
    }
  }
}
