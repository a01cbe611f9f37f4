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

  /// The work of a panel of planes: the outputs of one phase.
  ///
  /// A class, since each chunk takes hold of one.
  private final class Piece: Sendable {
    let planes: Range<Int>
    let tile: TileFunctions
    let grid: PixelGrid
    let distances: [Int]
    let weightStart: Int
    let firstChunk: Int
    let chunks: Chunks

    init(
      _ problem: ConvolutionProblem, _ panel: BroadcastPanels.Panel, planes: Range<Int>,
      _ grid: PixelGrid, _ tile: TileFunctions, distances: [Int], weightStart: Int, firstChunk: Int
    ) {
      self.planes = planes
      self.tile = tile
      self.grid = grid
      self.distances = distances
      self.weightStart = weightStart
      self.firstChunk = firstChunk
      // Bands of rows; where there is but one row, tiles of it.
      let units =
        grid.rows == 1
        ? (grid.columns + panel.columns - 1) / panel.columns
        : (grid.rows + panel.rows - 1) / panel.rows
      let sums = grid.rows * grid.columns * planes.count * PlaneLayout.lanes
      chunks = Chunks(generated: units, multiplyAdds: sums * max(1, distances.count) / units)
    }
  }

  static func refusal(_ problem: ConvolutionProblem, _ machine: Machine) -> String? {
    if let refusal = problem.refusalOfGeneratedCode(machine) { return refusal }
    return PortableBroadcastConvolution.refusal(problem)
  }

  /// - Returns: nil where the system refuses memory for code.
  init?(_ problem: ConvolutionProblem, _ operands: ConvolutionOperands, _ machine: Machine) {
    name = "\(machine.name) broadcast"
    self.problem = problem
    self.operands = operands
    let tail = TileTail(operands.tail)
    // What `refusal` accepts has such planes.
    let planesOfGroups = problem.planesOfGroups ?? []
    let starts = WeightPacking.starts(problem)
    var pieces: [Piece] = []
    var pieceOfChunk: [Int] = []
    for (phase, weightStart) in zip(problem.phases, starts) {
      let grid = PixelGrid(phase, input: problem.input, output: problem.output)
      for (group, planes) in planesOfGroups.enumerated() {
        let cut = BroadcastPanels(
          rows: grid.rows, columns: grid.columns, planes: planes.count, machine: machine)
        let distances = problem.broadcastDistances(group: group, phase.taps).map { $0 * 4 }
        for panel in cut.panels {
          let tile = TileFunctions(
            rows: panel.rows, columns: panel.columns, gridRows: grid.rows,
            gridColumns: grid.columns
          ) { rows, columns in
            BroadcastTile(
              machine: machine, rows: rows, columns: columns, planes: panel.planes.count,
              inputStep: grid.inputColumnStep * 4, outputStep: grid.outputColumnStep * 4,
              addsResidual: operands.residual != nil, tail: tail)
          }
          guard let tile else { return nil }
          let first = planes.lowerBound
          let piece = Piece(
            problem, panel,
            planes: first + panel.planes.lowerBound..<first + panel.planes.upperBound, grid, tile,
            distances: distances, weightStart: weightStart, firstChunk: pieceOfChunk.count)
          pieceOfChunk += Array(repeating: pieces.count, count: piece.chunks.count)
          pieces.append(piece)
        }
      }
    }
    self.pieces = pieces
    self.pieceOfChunk = pieceOfChunk
  }

  var chunkCount: Int { pieceOfChunk.count }

  var detail: String { TileFunctions.text(pieces.map { ($0.tile, $0.planes.count) }) }

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
      arguments.set(residual: piece.planes, operands, problem, memory)
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
  }
}

extension ConvolutionProblem {
  /// Why no generated code computes this, as a sentence's end; nil if some may.
  func refusalOfGeneratedCode(_ machine: Machine) -> String? {
    if machine.instructions == nil { return "the machine \(machine.name) has no generated code" }
    // Columns' distances in bytes, times a tile's columns, are constants of 32 bits in the code.
    let isFar = max(input.imageStride, output.imageStride) > 1 << 24
    if isFar || max(stride.max(), dilation.max()) > 1 << 16 {
      return "its pixels are further apart than generated code can say"
    }
    return nil
  }
}

extension Chunks {
  /// Cuts the work of generated kernels so that a chunk takes some tens of microseconds.
  ///
  /// - Parameter multiplyAdds: what one item costs.
  init(generated items: Int, multiplyAdds: Int) {
    self.init(items: items, cost: max(1, (multiplyAdds * Chunks.worthwhile) >> 20))
  }
}
