import ConvoyTensors
import ConvoyTiles

/// The work of one phase of a lane-wise convolution: its tiles and their arguments.
struct LaneWork: Equatable, Sendable {
  let grid: PixelGrid
  let tile: TileFunctions
  let steps: Int
  /// The vectors of weights of an output plane.
  let pairs: Int
  let weightStart: Int
  /// Bands of rows, plane by plane.
  let chunks: Chunks
  let bandsPerPlane: Int
  let vectorsPerPlane: Int
  /// The bytes of a vector.
  let vectorBytes: Int
  /// For each vector of outputs, each step's lines: first for whole bands, then for short ones.
  let lines: [PlaneSource]
  let shortLines: [PlaneSource]
  let linesPerVector: Int
  let shortLinesPerVector: Int
  /// For each vector of outputs, the permutation indices, 16 for each step; empty where nothing is
  /// permuted.
  let numbers: [Int32]
  let numbersPerVector: Int
  private let bandsPerSlice: Int

  init(
    _ problem: ConvolutionProblem, _ work: PhaseWork, _ sources: LaneSources?,
    starts: [[PlaneSource]], isByLine: Bool, _ activation: ActivationKind, _ machine: Machine
  ) throws(Refusal) {
    let phase = work.phase
    let access = sources?.access ?? .plain
    let firstColumn = phase.taps.map { $0.offset[2] }.min() ?? 0
    let taps = phase.taps.map { $0.offset - Extents(0, 0, firstColumn) }
    // Line by line, each line is a step with the taps of the first line, since all lines have alike
    // taps. The order is that of the weights: for a transposed convolution, from the last line to
    // the first.
    let linesOfKernel = taps.reduce(into: [LaneGeometry.Line]()) { lines, tap in
      let line = LaneGeometry.Line(tap[0], tap[1])
      if lines.last != line { lines.append(line) }
    }
    let ownLines = isByLine ? linesOfKernel : [LaneGeometry.Line(0, 0)]
    let tileTaps =
      isByLine
      ? taps.filter { LaneGeometry.Line($0[0], $0[1]) == linesOfKernel[0] }.map {
        Extents(0, 0, $0[2])
      }
      : taps
    let steps = problem.inputsPerGroup / access.channels * ownLines.count
    func geometry(_ rows: Int, _ columns: Int) -> LaneGeometry {
      LaneGeometry(rows: rows, columns: columns, taps: tileTaps, phase, access)
    }
    func tile(_ rows: Int, _ columns: Int) -> LaneTile {
      LaneTile(
        unit: machine.unit, geometry(rows, columns),
        outputStep: work.grid.outputColumnStep * Float.byteCount, isSingleStep: steps == 1,
        addsResidual: problem.addsResidual, activation: activation)
    }
    let grid = work.grid
    let shape = LaneWork.shape(grid, machine, maximalRows: isByLine ? 1 : .max, tile)
    guard
      let functions = TileFunctions(
        rows: shape.rows, columns: shape.columns, gridRows: grid.rowsPerSlice,
        gridColumns: grid.columns, tile)
    else { throw .noMemoryForCode }
    func lines(rows: Int) -> [PlaneSource] {
      let read = geometry(rows, 1).lines
      return starts.flatMap { starts in
        stride(from: 0, to: starts.count, by: access.sources).flatMap { step in
          ownLines.flatMap { own in
            starts[step..<step + access.sources].flatMap { start in
              read.map { line in
                let position = Extents(line[0] + own[0], line[1] + own[1], firstColumn)
                return PlaneSource(
                  plane: start.plane, offset: start.offset + problem.input.distance(position))
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
    vectorBytes = machine.vectorWidth * Float.byteCount
    numbers = sources?.repeated(ownLines.count) ?? []
    numbersPerVector = numbers.count / max(1, starts.count)
    pairs = problem.inputsPerGroup * taps.count
    weightStart = work.weightStart
    bandsPerSlice = (grid.rowsPerSlice + shape.rows - 1) / shape.rows
    bandsPerPlane = grid.rows / grid.rowsPerSlice * bandsPerSlice
    // A chunk is several planes where there are many small ones, because scheduling a chunk has a
    // cost.
    let planes = problem.output.planes.count
    chunks = Chunks(
      generated: planes * bandsPerPlane,
      multiplyAdds: shape.rows * grid.columns * PlaneLayout.lanes * max(4, pairs),
      most: max(1, planes / 16) * bandsPerPlane)
    self.lines = lines(rows: shape.rows)
    linesPerVector = self.lines.count / max(1, starts.count)
    shortLines = lines(rows: max(1, grid.rowsPerSlice % shape.rows))
    shortLinesPerVector = shortLines.count / max(1, starts.count)
  }

  /// The rows of a band, which are consecutive rows of one image.
  func rows(ofBand band: Int) -> Range<Int> {
    let (slice, inSlice) = band.quotientAndRemainder(dividingBy: bandsPerSlice)
    let first = inSlice * tile.rows
    let end = min(grid.rowsPerSlice, first + tile.rows)
    return slice * grid.rowsPerSlice + first..<slice * grid.rowsPerSlice + end
  }

  /// The number of bands, from this one on, that have the same height and are in the same image.
  func alikeBands(from band: Int) -> Int {
    max(1, grid.rowsPerSlice / tile.rows - band % bandsPerSlice)
  }

  /// The shape of the tiles with the lowest estimated cost.
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
  /// The permutation indices, those of each channel repeated for each of its steps.
  func repeated(_ count: Int) -> [Int32] {
    let size = access.numbersPerStep
    guard size > 0 else { return [] }
    return numbers.flatMap { numbers in
      stride(from: 0, to: numbers.count, by: size).flatMap { first in
        (0..<count).flatMap { _ in numbers[first..<first + size] }
      }
    }
  }

  /// For each vector of outputs, where each step reads gathered planes.
  static func gatheredStarts(
    _ problem: ConvolutionProblem, _ machine: Machine, _ gather: LaneGather?
  ) -> [[PlaneSource]] {
    problem.output.planes.indices.flatMap { plane in
      (0..<machine.vectorsPerPlane).map { part in
        (0..<problem.inputsPerGroup).map { channel in
          let start = gather?.start(plane: plane, channel: channel)
          return PlaneSource(
            plane: start?.plane, offset: (start?.offset ?? 0) + part * machine.vectorWidth)
        }
      }
    }
  }
}

extension LaneGeometry {
  /// The geometry of a tile of a phase.
  init(rows: Int, columns: Int, taps: [Extents], _ phase: Phase, _ access: LaneReading) {
    // A tile of one row does not depend on the distance of rows, and shares its code.
    self.init(
      rows: rows, columns: columns, taps: taps, rowStep: rows == 1 ? 1 : phase.inputStep[1],
      columnStep: phase.inputStep[2], access: access)
  }
}
