import ConvoyTensors
import ConvoyTiles

/// The weight gradient of depthwise and narrowly grouped convolutions by generated micro-kernels:
/// see `LaneGradientTile`. Lanes read the image in place, permuted if need be (`LaneSources`).
///
/// A chunk is an output plane and a part of the pixels.
struct LaneWeightGradient: WeightGradientMethod {
  static let title = "generated weight gradient, lanes"
  let name: String
  private let problem: ConvolutionProblem
  private let parts: [[GradientGrid.Block]]
  private let grid: GradientGrid
  private let sources: LaneSources
  private let passes: [Pass]
  private let machine: Machine

  /// Some taps of one of the channels that a vector holds.
  private struct Pass: Equatable, Sendable {
    var channel: Int
    /// The first of the taps, which are consecutive.
    var firstTap: Int
    var tiles: LaneGradientTiles
    /// Bytes from the image's pixel to each line, for a whole tile and for a tile of one row.
    var lines: [Int]
    var linesOfRow: [Int]
  }

  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try problem.requireLanes(machine)
    guard let sources = LaneSources(problem, machine, oneByOne: false) else {
      throw Refusal("the lanes of its image are scattered")
    }
    self.problem = problem
    self.machine = machine
    self.sources = sources
    name = "\(machine.name) weight gradient, lanes, \(sources.access)"
    let grid = GradientGrid(problem, joinsImages: false)
    self.grid = grid
    let phase = problem.phases[0]
    let taps = phase.taps.map(\.offset)
    var passes: [Pass] = []
    for range in LaneGradientTiles.cut(taps, grid, phase, sources.access, machine) {
      let first = taps[range].reduce(taps[range.lowerBound]) { pointwiseMin($0, $1) }
      let ownTaps = taps[range].map { $0 - first }
      func lines(_ rows: Int) -> [Int] {
        LaneGeometry(rows: rows, columns: 1, taps: ownTaps, phase, sources.access).lines.map {
          Float.byteCount * problem.input.distance(first + Extents($0[0], $0[1], 0))
        }
      }
      for channel in 0..<sources.access.channels {
        let tiles = LaneGradientTiles(ownTaps, grid, phase, sources.access, channel, machine)
        guard let tiles else { throw .noMemoryForCode }
        passes.append(
          Pass(
            channel: channel, firstTap: range.lowerBound, tiles: tiles, lines: lines(tiles.rows),
            linesOfRow: lines(1)))
      }
    }
    self.passes = passes
    // Pixels that several passes read stay in the second-level cache between them.
    let pixelBytes =
      PlaneLayout.lanes * Float.byteCount * (1 + sources.access.sources * problem.stride.volume)
    let isSinglePass = passes.count * problem.inputsPerGroup * machine.vectorsPerPlane == 1
    parts = grid.parts(
      PartialSums.partCount(
        pixels: grid.pixelCount, planes: problem.output.planes.count,
        products: problem.inputsPerGroup * taps.count * machine.vectorsPerPlane),
      pixelsPerBlock: isSinglePass ? .max : machine.secondLevelCache / 2 / pixelBytes)
  }

  var partCount: Int { parts.count }

  var detail: String {
    let (count, parts) = (passes.count, parts.count)
    return "\(count) \(count == 1 ? "pass" : "passes") over the pixels, in \(parts) "
      + (parts == 1 ? "part" : "parts")
  }

  func kernel(at operands: WeightGradientOperands) -> any Kernel {
    Placed(
      method: self, operands: operands,
      starts: sources.starts.map { $0.map { $0.placed(operands.input.planes) } })
  }

  /// The method with operands at given addresses.
  private struct Placed: Kernel {
    let method: LaneWeightGradient
    let operands: WeightGradientOperands
    /// For each vector of outputs, step and source: floats from the image's base to what is read.
    let starts: [[Int]]

    var name: String { method.name }
    var detail: String { method.detail }
    var chunkCount: Int { method.problem.output.planes.count * method.parts.count }

    func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
      let (part, plane) = chunk.quotientAndRemainder(dividingBy: method.problem.output.planes.count)
      let place = PartialSums(method.problem)
      let sums = place.start(of: plane, part: part, memory[operands.sums])
      sums.update(repeating: 0, count: place.planeSize)
      let gradient = UnsafePointer(operands.gradient.start(of: plane, in: memory))
      let image = UnsafePointer(memory[operands.input.base])
      let taps = method.problem.kernel.volume
      let (grid, machine, access) = (method.grid, method.machine, method.sources.access)
      GradientArguments.with { arguments in
        for block in method.parts[part] {
          for vector in 0..<machine.vectorsPerPlane {
            let lane = vector * machine.vectorWidth
            let starts = starts[plane * machine.vectorsPerPlane + vector]
            let steps = starts.count / access.sources
            for step in 0..<steps {
              let origins = step * access.sources..<(step + 1) * access.sources
              setLanes(arguments, plane * machine.vectorsPerPlane + vector, step) {
                for pass in method.passes {
                  let channel = step * access.channels + pass.channel
                  let target =
                    sums + (channel * taps + pass.firstTap) * PlaneLayout.lanes + lane
                  pass.tiles.forEach(block) { function, tile, corner in
                    arguments.set(
                      corner.pixels, tile: tile, grid)
                    let lines = tile.rows == 1 ? pass.linesOfRow : pass.lines
                    for (source, origin) in origins.enumerated() {
                      for (index, line) in lines.enumerated() {
                        arguments.set(
                          .offsets, at: source * lines.count + index,
                          line + Float.byteCount * starts[origin])
                      }
                    }
                    arguments.set(
                      .image, image + grid.imageOffset(row: corner.row, column: corner.column))
                    arguments.set(
                      .gradient,
                      gradient + lane + grid.gradientOffset(row: corner.row, column: corner.column))
                    arguments.set(.sums, target)
                    arguments.run(function)
                  }
                }
              }
            }
          }
        }
      }
    }

    /// Runs a body with a step's permutation table set in the arguments, if it has one.
    @inline(__always)
    private func setLanes(
      _ arguments: GradientArguments, _ vector: Int, _ step: Int, _ body: () -> Void
    ) {
      let access = method.sources.access
      guard access.numbersPerStep > 0 else { return body() }
      method.sources.numbers[vector].withUnsafeBufferPointer { numbers in
        if let table = numbers.baseAddress {
          arguments.set(.laneNumbers, table + step * access.numbersPerStep)
        }
        body()
      }
    }
  }
}

/// The micro-kernels that cover a grid of pixels for some taps: whole tiles, tiles of one row for
/// the remainder at the bottom, and narrower tiles for the remainder at the right of either.
struct LaneGradientTiles: Equatable, Sendable {
  /// The pixels of a call: the first one, and their number.
  typealias Corner = (row: Int, column: Int, pixels: (rows: Int, columns: Int, slices: Int))

  /// The rows of a whole tile.
  let rows: Int
  private let columns: Int
  private let right: Int
  private let functions: CornerFunctions

  /// - Returns: nil where the system refuses memory for code.
  init?(
    _ taps: [Extents], _ grid: GradientGrid, _ phase: Phase, _ access: LaneReading,
    _ channel: Int, _ machine: Machine
  ) {
    guard let best = LaneGradientTiles.best(taps, grid, phase, access, machine) else { return nil }
    (rows, columns) = (best.rows, best.columns)
    let right = grid.columns % columns
    self.right = right
    // Tiles of one row cover the remainder at the bottom.
    let functions = CornerFunctions { isBottom, isRight in
      let (rows, width) = (isBottom ? 1 : best.rows, isRight ? right : best.columns)
      guard width > 0 else { return nil as LaneGradientTile? }
      let geometry = LaneGeometry(rows: rows, columns: width, taps: taps, phase, access)
      return LaneGradientTile(unit: machine.unit, geometry, channel: channel)
    }
    guard let functions else { return nil }
    self.functions = functions
  }

  /// Calls a body for each micro-kernel that a block of pixels needs.
  @inline(__always)
  func forEach(
    _ block: GradientGrid.Block,
    _ body: (TileFunction, _ tile: (rows: Int, columns: Int), Corner) -> Void
  ) {
    let below = block.rows % rows
    let wide = block.columns - right
    for (height, tile) in [(block.rows - below, rows), (below, 1)] where height > 0 {
      let row = tile == 1 && rows > 1 ? block.firstRow + block.rows - below : block.firstRow
      if wide > 0, let function = functions[isBottom: tile == 1, isRight: false] {
        body(
          function, (tile, columns),
          (row, block.firstColumn, (height, wide, block.slices)))
      }
      if right > 0, let rest = functions[isBottom: tile == 1, isRight: true] {
        body(
          rest, (tile, right),
          (row, block.firstColumn + wide, (height, right, block.slices)))
      }
    }
  }

  /// The shape of the tile with the lowest estimated cost.
  private static func best(
    _ taps: [Extents], _ grid: GradientGrid, _ phase: Phase, _ access: LaneReading,
    _ machine: Machine
  ) -> (rows: Int, columns: Int, cost: Double)? {
    func cost(_ rows: Int, _ columns: Int) -> Double? {
      guard columns > 0 else { return 0 }
      let geometry = LaneGeometry(rows: rows, columns: columns, taps: taps, phase, access)
      let tile = LaneGradientTile(unit: machine.unit, geometry)
      return tile.fits ? tile.cost : nil
    }
    func band(_ rows: Int, _ columns: Int) -> Double? {
      guard let whole = cost(rows, columns), let rest = cost(rows, grid.columns % columns) else {
        return nil
      }
      return Double(grid.columns / columns) * whole + rest + 2
    }
    var best: (rows: Int, columns: Int, cost: Double)?
    for rows in 1...min(machine.laneTile.rows, grid.rowsPerSlice) {
      for columns in 1...min(machine.registerCount, grid.columns) {
        guard let high = band(rows, columns), let low = band(1, columns) else { continue }
        let cost =
          Double(grid.rowsPerSlice / rows) * high + Double(grid.rowsPerSlice % rows) * low
        if cost < best?.cost ?? .infinity { best = (rows, columns, cost) }
      }
    }
    return best
  }

  /// Divides taps, which are consecutive in lines, into groups whose sums fit the registers
  /// together.
  static func cut(
    _ taps: [Extents], _ grid: GradientGrid, _ phase: Phase, _ access: LaneReading,
    _ machine: Machine
  ) -> [Range<Int>] {
    // A line with more sums than registers is divided too.
    let longest = machine.registerCount - machine.temporaryCount - access.sources - 1
    var lines: [Range<Int>] = []
    for tap in taps.indices {
      if let last = lines.last, last.count < longest, taps[tap][2] > taps[last.lowerBound][2],
        LaneGeometry.Line(taps[tap][0], taps[tap][1])
          == LaneGeometry.Line(taps[last.lowerBound][0], taps[last.lowerBound][1])
      {
        lines[lines.count - 1] = last.lowerBound..<tap + 1
      } else {
        lines.append(tap..<tap + 1)
      }
    }
    var best: (cost: Double, ranges: [Range<Int>]) = (.infinity, lines)
    for count in 1...lines.count {
      let ranges = (0..<count).map { part in
        lines[lines.count * part / count]
          .lowerBound..<lines[lines.count * (part + 1) / count - 1].upperBound
      }
      var total = 0.0
      for range in ranges {
        let first = taps[range].reduce(taps[range.lowerBound]) { pointwiseMin($0, $1) }
        let shape = LaneGradientTiles.best(
          taps[range].map { $0 - first }, grid, phase, access, machine)
        total += shape?.cost ?? .infinity
      }
      if total < best.cost { best = (total, ranges) }
    }
    return best.ranges
  }
}
