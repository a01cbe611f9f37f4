import ConvoyTensors
import ConvoyTiles

/// Pooling by generated micro-kernels: see `PoolingTile`. Windows that extend into the padding have
/// tiles of their own.
struct GeneratedPooling: DirectMethod {
  typealias Problem = PoolingProblem
  typealias Operands = PoolingOperands

  static let title = "generated pooling"
  let name: String
  private let problem: PoolingProblem
  /// The runs of windows along each axis.
  private let runs: [[WindowRun]]
  /// For each output slice and for each row, the index of its run.
  private let runOfSlice: [Int]
  private let runOfRow: [Int]
  private let cursor: RowCursor
  private let chunks: Chunks
  /// A window for each run of slices and each run of rows.
  private let windows: [Shared<Window>]

  /// The distances in bytes of a window's lines, and the code for each run of columns.
  private struct Window: Equatable, Sendable {
    let distances: [Int]
    let tiles: [TileFunctions]
  }

  /// Refuses windows that no generated code can compute.
  private static func check(_ problem: PoolingProblem, _ machine: Machine) throws(Refusal) {
    try Refusal.unlessGenerating(machine)
    try problem.requireElements()
    let counts = problem.axes.map { $0.map(\.count).max() ?? 1 }
    let (lines, most) = (counts[0] * counts[1], PoolingTile.maximalLines)
    if lines > most { throw Refusal("its windows have \(lines) lines, more than \(most)") }
    if counts[2] > 16 { throw Refusal("lines of \(counts[2]) elements make too much code") }
    // In the code, a window's distance in bytes times a tile's columns is a 32-bit constant.
    let starts = problem.axes[2].map(\.start)
    if max(starts.max() ?? 0, problem.dilation[2]) > 1 << 16 {
      throw Refusal("its pixels are further apart than generated code can say")
    }
  }

  init(_ problem: PoolingProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try GeneratedPooling.check(problem, machine)
    name = "\(machine.name) pooling"
    self.problem = problem
    let runs = problem.axes.map { WindowRun.runs(of: $0) }
    self.runs = runs
    runOfSlice = WindowRun.runOfPosition(runs[0])
    runOfRow = WindowRun.runOfPosition(runs[1])
    cursor = RowCursor(problem.output)
    var windows: [Shared<Window>] = []
    for slices in runs[0].map(\.span.count) {
      for rows in runs[1].map(\.span.count) {
        var tiles: [TileFunctions] = []
        for run in runs[2] {
          let most = machine.laneTile.sums
          let count = (run.positions.count + most - 1) / most
          let tile = TileFunctions(
            rows: 1, columns: (run.positions.count + count - 1) / count, gridRows: 1,
            gridColumns: run.positions.count
          ) { _, columns in
            PoolingTile(
              unit: machine.unit, isMaximum: problem.function == .maximum, lines: slices * rows,
              taps: run.span.count, tapStep: problem.dilation[2], columns: columns,
              columnStep: run.step)
          }
          guard let tile else { throw .noMemoryForCode }
          tiles.append(tile)
        }
        let distances = (0..<slices).flatMap { slice in
          (0..<rows).map { row in
            Float.byteCount * problem.image.distance(Extents(slice, row, 0) * problem.dilation)
          }
        }
        windows.append(Shared(Window(distances: distances, tiles: tiles)))
      }
    }
    self.windows = windows
    let counts = problem.axes.map { $0.map(\.count).max() ?? 1 }
    // About a nanosecond for four elements; lines are combined first, then columns.
    let cost = max(4, counts[0] * counts[1] + counts[2]) / 4
    chunks = Chunks(
      items: problem.output.planes.count * cursor.rows, cost: problem.output.extents[2] * cost)
  }

  var chunkCount: Int { chunks.count }

  var detail: String {
    TileFunctions.text(windows.flatMap { $0.value.tiles.map { ($0, 1) } })
  }

  func run(
    chunk: Int, at operands: PoolingOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    TileArguments<PoolingField>.with { arguments in
      let rows = chunks[chunk]
      var next = rows.lowerBound
      while next < rows.upperBound {
        let (plane, row) = next.quotientAndRemainder(dividingBy: cursor.rows)
        let y = row % problem.output.extents[1]
        let end = runs[1][runOfRow[y]].positions.upperBound
        let count = min(rows.upperBound - next, end - y)
        run(plane: plane, row: row, count: count, operands, memory, arguments)
        next += count
      }
    }
  }

  /// Computes some rows of a slice whose windows are alike.
  private func run(
    plane: Int, row: Int, count: Int, _ operands: PoolingOperands, _ memory: Memory,
    _ arguments: TileArguments<PoolingField>
  ) {
    let extents = problem.output.extents
    let (z, y) = (row / extents[1] % extents[0], row % extents[1])
    let rows = runs[1][runOfRow[y]]
    let shared = windows[runOfSlice[z] * runs[1].count + runOfRow[y]]
    let window = shared.value
    let slice = problem.axes[0][z]
    let top = rows.span.start + (y - rows.positions.lowerBound) * rows.step
    let image =
      operands.image.start(of: plane, in: memory)
      + cursor.image(ofRow: row) * problem.image.imageStride
    let output = operands.output.start(of: plane, in: memory) + cursor.offset(ofRow: row)
    arguments.set(.inputBandStep, Float.byteCount * rows.step * problem.image.rowStride)
    arguments.set(.outputBandStep, Float.byteCount * problem.output.rowStride)
    window.distances.withUnsafeBufferPointer { distances in
      if let address = distances.baseAddress { arguments.set(.distances, address) }
      for (columns, tile) in zip(runs[2], window.tiles) {
        let scale =
          1 / Float(slice.divisor * rows.span.divisor) * (1 / Float(columns.span.divisor))
        arguments.set(parametersOf: .affine(scale: scale, offset: 0))
        tile.run(rows: 1, columns: 0..<columns.positions.count, arguments) { column in
          let left = columns.span.start + column * columns.step
          arguments.set(.bands, count)
          arguments.set(.inputs, image + problem.image.offset(Extents(slice.start, top, left)))
          arguments.set(
            .outputs, output + (columns.positions.lowerBound + column) * PlaneLayout.lanes)
        }
      }
    }
  }
}
