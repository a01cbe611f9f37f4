import ConvoyTensors

/// Dense convolution by generated tiles: see `BroadcastTile`. Takes what
/// `PortableBroadcastConvolution` takes.
struct GeneratedBroadcastConvolution: Kernel {
  let name: String
  let operands: ConvolutionOperands
  let problem: ConvolutionProblem
  private let pieces: [Piece]
  /// For each chunk, its piece.
  private let pieceOfChunk: [Int]
  /// What generated code leaves to be done to the sums.
  private let rest: Tail

  /// The work of a panel of planes: the outputs of one phase.
  private struct Piece: Sendable {
    let planes: Range<Int>
    let tile: TileFunctions
    let grid: PixelGrid
    let distances: [Int]
    let weightStart: Int
    let firstChunk: Int
    let chunks: Chunks

    /// Bands of rows; where there is but one row, tiles of it.
    static func units(_ grid: PixelGrid, _ panel: BroadcastPanels.Panel) -> Int {
      grid.rows == 1
        ? (grid.columns + panel.columns - 1) / panel.columns
        : (grid.rows + panel.rows - 1) / panel.rows
    }
  }

  static func refusal(_ problem: ConvolutionProblem, _ machine: Machine) -> String? {
    if machine.instructions == nil { return "the machine \(machine.name) has no generated code" }
    let step = max(problem.input.imageStride, problem.output.imageStride)
    if step > 1 << 24 { return "its images are further apart than code can say" }
    return PortableBroadcastConvolution.refusal(problem)
  }

  /// - Returns: nil where the system refuses memory for code.
  init?(_ problem: ConvolutionProblem, _ operands: ConvolutionOperands, _ machine: Machine) {
    name = "\(machine.name) broadcast"
    self.problem = problem
    self.operands = operands
    let tail = TileTail(operands.tail)
    rest = tail == nil ? operands.tail : Tail()
    let lanes = PlaneLayout.lanes
    let planesPerGroup = problem.output.planes.count / problem.groups
    let starts = WeightPacking.starts(problem)
    var pieces: [Piece] = []
    var pieceOfChunk: [Int] = []
    for (phase, weightStart) in zip(problem.phases, starts) {
      let grid = PixelGrid(phase, input: problem.input, output: problem.output)
      let cut = BroadcastPanels(
        rows: grid.rows, columns: grid.columns, planes: planesPerGroup, machine: machine)
      for group in 0..<problem.groups {
        let distances = problem.broadcastDistances(group: group, phase.taps).map { $0 * 4 }
        for panel in cut.panels {
          let tile = TileFunctions(
            rows: panel.rows, columns: panel.columns, gridRows: grid.rows,
            gridColumns: grid.columns
          ) { rows, columns in
            BroadcastTile(
              machine: machine, rows: rows, columns: columns, planes: panel.planes.count,
              inputStep: grid.inputColumnStep * 4, outputStep: grid.outputColumnStep * 4,
              tail: tail ?? .none)
          }
          guard let tile else { return nil }
          let units = Piece.units(grid, panel)
          let pixels = grid.rows * grid.columns
          let work = pixels * panel.planes.count * lanes * max(1, distances.count)
          let first = group * planesPerGroup
          let piece = Piece(
            planes: first + panel.planes.lowerBound..<first + panel.planes.upperBound, tile: tile,
            grid: grid, distances: distances, weightStart: weightStart,
            firstChunk: pieceOfChunk.count,
            chunks: Chunks(generated: units, multiplyAdds: work / units))
          pieceOfChunk += Array(repeating: pieces.count, count: piece.chunks.count)
          pieces.append(piece)
        }
      }
    }
    self.pieces = pieces
    self.pieceOfChunk = pieceOfChunk
  }

  var chunkCount: Int { pieceOfChunk.count }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let piece = pieces[pieceOfChunk[chunk]]
    let units = piece.chunks[chunk - piece.firstChunk]
    let grid = piece.grid
    TileArguments.with { arguments in
      let pitch = piece.distances.count * PlaneLayout.lanes
      let weights = memory[operands.weights] + piece.weightStart
      arguments.set(.steps, piece.distances.count)
      arguments.set(.weights, weights + piece.planes.lowerBound * pitch)
      arguments.set(.weightPitch, pitch * 4)
      arguments.set(bias: piece.planes, operands, memory)
      piece.distances.withUnsafeBufferPointer { distances in
        if let address = distances.baseAddress { arguments.set(.distances, address) }
        if grid.rows == 1 {
          let columns = piece.tile.columns
          let part =
            units.lowerBound * columns..<min(grid.columns, units.upperBound * columns)
          run(piece, rows: 0..<1, columns: part, memory, arguments)
        } else {
          for band in units {
            let rows = band * piece.tile.rows
            run(
              piece, rows: rows..<min(grid.rows, rows + piece.tile.rows),
              columns: 0..<grid.columns, memory, arguments)
          }
        }
      }
    }
  }

  /// Computes some columns of as many rows as a tile has, or fewer.
  private func run(
    _ piece: Piece, rows: Range<Int>, columns: Range<Int>, _ memory: Memory,
    _ arguments: TileArguments
  ) {
    let grid = piece.grid
    let input = memory[operands.input]
    let output = memory[operands.output]
    piece.tile.run(rows: rows.count, columns: columns, arguments) { column in
      for (index, row) in rows.enumerated() {
        let from = grid.inputOffset(ofRow: row) + column * grid.inputColumnStep
        let to = grid.outputOffset(ofRow: row) + column * grid.outputColumnStep
        arguments.set(.inputs, at: index, input + from)
        for (position, plane) in piece.planes.enumerated() {
          let start = problem.output.planes[plane]
          arguments.set(.outputs, at: position * rows.count + index, output + start + to)
        }
      }
    }
    guard rest.function != nil else { return }
    for row in rows {
      for plane in piece.planes {
        rest.apply(
          output + problem.output.planes[plane] + grid.outputOffset(ofRow: row)
            + columns.lowerBound * grid.outputColumnStep, columns: columns.count,
          step: grid.outputColumnStep)
      }
    }
  }
}

extension Tail {
  /// Applies the function to pixels of 16 channels.
  func apply(_ first: UnsafeMutablePointer<Float>, columns: Int, step: Int) {
    for column in 0..<columns {
      let pixel = first + column * step
      pixel.lanes = self(pixel.lanes)
    }
  }
}

extension Chunks {
  /// Cuts the work of generated kernels so that a chunk takes some tens of microseconds.
  ///
  /// - Parameter multiplyAdds: what one item costs.
  init(generated items: Int, multiplyAdds: Int) {
    self.init(items: items, cost: max(1, multiplyAdds * Chunks.worthwhile >> 20))
  }
}
