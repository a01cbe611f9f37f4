import ConvoyTensors

/// Pooling by generated tiles: see `PoolingTile`. Windows that padding cuts have tiles of their own.
struct GeneratedPooling: Kernel {
  let name: String
  private let problem: PoolingProblem
  private let operands: PoolingOperands
  /// The runs of windows along each axis.
  private let runs: [[WindowRun]]
  /// For each output slice and for each row, its run.
  private let runOfSlice: [Int]
  private let runOfRow: [Int]
  private let cursor: RowCursor
  private let chunks: Chunks
  /// For each run of slices and each of rows.
  private let windows: [Window]

  /// The distances of a window's lines in bytes, and for each run of columns the code.
  ///
  /// A class, since each chunk takes hold of some.
  private final class Window: Sendable {
    let distances: [Int]
    let tiles: [TileFunctions]

    init(distances: [Int], tiles: [TileFunctions]) {
      self.distances = distances
      self.tiles = tiles
    }
  }

  static func refusal(_ problem: PoolingProblem, _ machine: Machine) -> String? {
    if machine.instructions == nil { return "the machine \(machine.name) has no generated code" }
    let counts = problem.axes.map { $0.map(\.count).max() ?? 1 }
    let (lines, most) = (counts[0] * counts[1], PoolingTile.maximalLines)
    if lines > most { return "its windows have \(lines) lines, more than \(most)" }
    if counts[2] > 16 { return "lines of \(counts[2]) elements make too much code" }
    // Distances in bytes, times a tile's columns, are constants of 32 bits in the code.
    let starts = problem.axes[2].map(\.start)
    if max(starts.max() ?? 0, problem.dilation[2]) > 1 << 16 {
      return "its pixels are further apart than generated code can say"
    }
    return nil
  }

  /// - Returns: nil where the system refuses memory for code.
  init?(_ problem: PoolingProblem, _ operands: PoolingOperands, _ machine: Machine) {
    name = "\(machine.name) pooling"
    self.problem = problem
    self.operands = operands
    let runs = problem.axes.map { WindowRun.runs(of: $0) }
    self.runs = runs
    runOfSlice = WindowRun.runOfPosition(runs[0])
    runOfRow = WindowRun.runOfPosition(runs[1])
    cursor = RowCursor(problem.output)
    var windows: [Window] = []
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
              machine: machine, isMaximum: problem.function == .maximum, lines: slices * rows,
              taps: run.span.count, tapStep: problem.dilation[2], columns: columns,
              columnStep: run.step)
          }
          guard let tile else { return nil }
          tiles.append(tile)
        }
        let distances = (0..<slices).flatMap { slice in
          (0..<rows).map { row in
            4 * problem.image.distance([slice, row, 0] &* problem.dilation)
          }
        }
        windows.append(Window(distances: distances, tiles: tiles))
      }
    }
    self.windows = windows
    let counts = problem.axes.map { $0.map(\.count).max() ?? 1 }
    // About a nanosecond for four elements, after lines and columns are combined one after the other.
    let cost = max(4, counts[0] * counts[1] + counts[2]) / 4
    chunks = Chunks(
      items: problem.output.planes.count * cursor.rows, cost: problem.output.extents[2] * cost)
  }

  var chunkCount: Int { chunks.count }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    TileArguments.with { arguments in
      let rows = chunks[chunk]
      var next = rows.lowerBound
      while next < rows.upperBound {
        let (plane, row) = next.quotientAndRemainder(dividingBy: cursor.rows)
        let y = row % problem.output.extents[1]
        let end = runs[1][runOfRow[y]].positions.upperBound
        let count = min(rows.upperBound - next, end - y)
        run(plane: plane, row: row, count: count, memory, arguments)
        next += count
      }
    }
  }

  /// Makes some rows of a slice whose windows are alike.
  private func run(
    plane: Int, row: Int, count: Int, _ memory: Memory, _ arguments: TileArguments
  ) {
    let extents = problem.output.extents
    let (z, y) = (row / extents[1] % extents[0], row % extents[1])
    let rows = runs[1][runOfRow[y]]
    let window = windows[runOfSlice[z] * runs[1].count + runOfRow[y]]
    let slice = problem.axes[0][z]
    let top = rows.span.start + (y - rows.positions.lowerBound) * rows.step
    let image =
      memory[operands.input] + problem.image.planes[plane]
      + cursor.image(ofRow: row) * problem.image.imageStride
    let output = memory[operands.output] + problem.output.planes[plane] + cursor.offset(ofRow: row)
    arguments.set(.inputBandStep, 4 * rows.step * problem.image.rowStride)
    arguments.set(.outputBandStep, 4 * problem.output.rowStride)
    window.distances.withUnsafeBufferPointer { distances in
      if let address = distances.baseAddress { arguments.set(.distances, address) }
      for (columns, tile) in zip(runs[2], window.tiles) {
        let scale =
          1 / Float(slice.divisor * rows.span.divisor) * (1 / Float(columns.span.divisor))
        arguments.set(parametersOf: .affine(scale: scale, offset: 0))
        tile.run(rows: 1, columns: 0..<columns.positions.count, arguments) { column in
          let left = columns.span.start + column * columns.step
          arguments.set(.bands, count)
          arguments.set(.inputs, image + problem.image.offset([slice.start, top, left]))
          arguments.set(
            .outputs, output + (columns.positions.lowerBound + column) * PlaneLayout.lanes)
        }
      }
    }
  }
}
