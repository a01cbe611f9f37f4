import ConvoyTensors
import ConvoyTiles

/// Dense convolution by generated micro-kernels: see `DenseTile`. It accepts the problems of
/// `PortableDenseConvolution`.
struct DenseConvolution: ConvolutionMethod {
  static let title = "generated dense"
  let name: String
  let problem: ConvolutionProblem
  private let folding: PlaneFolding
  private let tables: [[TableEntry]]
  private let work: Work

  /// A step of a tile's sums: distances from the beginning of the plane that it reads.
  private struct TableEntry: Hashable, Sendable {
    var plane: Int
    var pair: DenseTile.Pair
  }

  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try problem.requireGeneratedCode(machine)
    let planesOfGroups = try problem.requirePlanesOfGroups()
    let activation = ActivationKind(problem.epilogue)
    name = "\(machine.name) dense"
    self.problem = problem
    let folding = PlaneFolding(problem, machine)
    self.folding = folding
    var tables: [[TableEntry]] = []
    var pieces: [Shared<Piece>] = []
    var chunks: [PieceChunk] = []
    for (phase, starts) in zip(problem.phases, folding.weightStarts(problem.phases).starts) {
      for (group, planesOfGroup) in planesOfGroups.enumerated() {
        for planes in folding.parts(of: planesOfGroup) {
          let factor = folding.factors[planes.lowerBound]
          let blocks = folding.blocks[planes.lowerBound]
          let table = DenseConvolution.table(problem, group: group, blocks, phase.taps)
          let cut = GridCut(
            phase, problem, planes: planes.count, blocks: blocks.count, machine)
          for (part, panels) in cut.parts {
            let firstPiece = pieces.count
            let tableOfPart = part.entries(of: table, taps: phase.taps.count)
            let inputStep = part.grid.inputColumnStep * Float.byteCount
            let fetchesAhead = problem.input.hasLanes && phase.taps.count == 1 && factor == 1
            if !fetchesAhead { tables.append(tableOfPart) }
            for panel in panels.panels {
              if fetchesAhead {
                tables.append(
                  DenseConvolution.fetchingAhead(
                    tableOfPart, columns: panel.columns, step: inputStep))
              }
              let tile = TileFunctions(
                rows: panel.rows, columns: panel.columns, gridRows: part.rowCount,
                gridColumns: part.columns.count
              ) { rows, columns in
                DenseTile(
                  unit: machine.unit, rows: rows, columns: columns, planes: panel.planes.count,
                  inputStep: inputStep, outputStep: part.grid.outputColumnStep * Float.byteCount,
                  fetchesAhead: fetchesAhead, addsResidual: problem.addsResidual, factor: factor,
                  activation: activation)
              }
              guard let tile else { throw .noMemoryForCode }
              let first = planes.lowerBound + panel.planes.lowerBound
              let piece = Piece(
                planes: first..<first + panel.planes.count, factor: factor, tile, part,
                table: tables.count - 1, steps: tableOfPart.count, weightStart: starts[first],
                weightPitch: table.count * PlaneLayout.lanes)
              pieces.append(Shared(piece))
            }
            chunks += DenseConvolution.chunks(
              of: pieces[firstPiece...].map(\.value), from: firstPiece,
              pixels: part.rowCount * part.columns.count, inputs: blocks.count * factor, machine)
          }
        }
      }
    }
    self.tables = tables
    work = Work(epilogue: problem.epilogue, pieces: pieces, chunks: chunks)
  }

  var detail: String {
    TileFunctions.text(work.pieces.map { ($0.value.tile, $0.value.planes.count) })
  }

  // MARK: Weights

  var weightCount: Int { folding.weightStarts(problem.phases).count }

  var packingText: String {
    let folded = folding.factors.filter { $0 > 1 }.count
    let rows = "weights in rows of 16 outputs"
    return folded == 0 ? rows : rows + ", \(folded) \(folded == 1 ? "plane" : "planes") folded"
  }

  func packing(from source: Region, to destination: Region) -> any Kernel {
    WeightPacking(problem, from: source, to: destination, folding)
  }

  func kernel(at operands: ConvolutionOperands) -> any Kernel {
    let planes = operands.input.planes
    return Placed(
      name: name, detail: detail, work: work, operands: operands,
      tables: tables.map { table in
        table.map { entry in
          let start = Float.byteCount * planes[entry.plane]
          return DenseTile.Pair(
            input: start + entry.pair.input, weights: entry.pair.weights,
            ahead: start + entry.pair.ahead)
        }
      })
  }

  // MARK: Tables

  /// The pairs of a block of a group's input channels and a phase's tap, in the order of their
  /// weights.
  private static func table(
    _ problem: ConvolutionProblem, group: Int, _ blocks: [PlaneFolding.Block], _ taps: [Phase.Tap]
  ) -> [TableEntry] {
    let sources = problem.sources(group: group, taps)
    return blocks.enumerated().flatMap { index, block in
      taps.indices.map { tap in
        let source = sources[block.channel * taps.count + tap]
        return TableEntry(
          plane: source.plane ?? 0,
          pair: DenseTile.Pair(
            input: Float.byteCount * source.offset,
            weights: (index * taps.count + tap) * PlaneLayout.lanes * Float.byteCount))
      }
    }
  }

  /// Each pair prefetches one pixel of the next tile from the pair's plane. The channels of a plane
  /// are consecutive pairs, so together they prefetch all of the tile's pixels.
  private static func fetchingAhead(
    _ table: [TableEntry], columns: Int, step: Int
  ) -> [TableEntry] {
    table.enumerated().map { index, entry in
      var entry = entry
      entry.pair.ahead = entry.pair.input + index % columns * step
      return entry
    }
  }

  // MARK: Chunks

  /// The work of a panel of planes: a part of the outputs of one phase.
  fileprivate struct Piece: Equatable, Sendable {
    let planes: Range<Int>
    /// The number of lanes that each output's sum is spread over: see `PlaneFolding`.
    let factor: Int
    let tile: TileFunctions
    let part: GridPart
    /// The index of its table, and the number of that table's entries.
    let table: Int
    let steps: Int
    /// Floats from the packed weights' beginning to the first plane's.
    let weightStart: Int
    /// Floats from a plane's weights to the next plane's.
    let weightPitch: Int
    let chunks: Chunks

    init(
      planes: Range<Int>, factor: Int, _ tile: TileFunctions, _ part: GridPart, table: Int,
      steps: Int, weightStart: Int, weightPitch: Int
    ) {
      self.planes = planes
      self.factor = factor
      self.tile = tile
      self.part = part
      self.table = table
      self.steps = steps
      self.weightStart = weightStart
      self.weightPitch = weightPitch
      let (rows, columns) = (part.rowCount, part.columns.count)
      // The units are bands of rows; a single row is divided into tiles.
      let units =
        rows == 1
        ? (columns + tile.columns - 1) / tile.columns : (rows + tile.rows - 1) / tile.rows
      let sums = rows * columns * planes.count * PlaneLayout.lanes
      chunks = Chunks(generated: units, multiplyAdds: sums * max(1, steps) / units)
    }
  }

  /// The order of the chunks of a part's panels.
  ///
  /// Normally panel after panel, so that a panel's weights stay in the first-level cache. This
  /// reads the pixels again for each panel. Where they do not fit the second-level cache, and are
  /// more than the weights that would be read again for each chunk's pixels, all panels of some
  /// pixels come before the next pixels.
  private static func chunks(
    of pieces: [Piece], from first: Int, pixels: Int, inputs: Int, _ machine: Machine
  ) -> [PieceChunk] {
    let counts = pieces.map(\.chunks.count)
    let planes = pieces.map(\.planes.count).reduce(0, +)
    let taps = pieces.first.map { $0.part.taps.count } ?? 1
    let weightBytes = Float.byteCount * PlaneLayout.lanes * planes * inputs * taps
    let inputBytes = Float.byteCount * inputs * pixels
    let takesTurns =
      2 * inputBytes > machine.secondLevelCache
      && weightBytes * (counts.max() ?? 1) < inputBytes * pieces.count
    let chunks = takesTurns ? PieceChunk.interleaved(counts) : PieceChunk.inOrder(counts)
    return chunks.map { PieceChunk(piece: first + $0.piece, chunk: $0.chunk) }
  }

  /// The work of a kernel, independent of addresses.
  fileprivate struct Work: Equatable, Sendable {
    let epilogue: ScalarFunction?
    let pieces: [Shared<Piece>]
    let chunks: [PieceChunk]
  }
}

extension GridPart {
  /// The entries of a phase's table that contribute to the sums.
  fileprivate func entries<Entry>(of table: [Entry], taps count: Int) -> [Entry] {
    if taps.count == count { return table }
    return stride(from: 0, to: table.count, by: count).flatMap { first in
      taps.map { table[first + $0] }
    }
  }
}

/// A dense convolution with operands at given addresses.
private struct Placed: Kernel {
  let name: String
  let detail: String
  let work: DenseConvolution.Work
  let operands: ConvolutionOperands
  let tables: [[DenseTile.Pair]]

  var chunkCount: Int { work.chunks.count }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let place = work.chunks[chunk]
    let shared = work.pieces[place.piece]
    let piece = shared.value
    let units = piece.chunks[place.chunk]
    let (rowCount, columnCount) = (piece.part.rowCount, piece.part.columns.count)
    TileArguments<DenseField>.with { arguments in
      arguments.set(.steps, piece.steps)
      arguments.set(.weights, memory[operands.weights] + piece.weightStart)
      arguments.set(.weightPitch, piece.weightPitch * Float.byteCount)
      arguments.set(bias: piece.planes, operands, memory)
      arguments.set(parametersOf: work.epilogue)
      if piece.factor > 1 { arguments.spreadBias(factor: piece.factor) }
      arguments.set(residual: piece.planes, operands, memory)
      tables[piece.table].withUnsafeBufferPointer { pairs in
        if let address = pairs.baseAddress { arguments.set(.distances, address) }
        if rowCount == 1 {
          let columns = piece.tile.columns
          let stretch = units.lowerBound * columns..<min(columnCount, units.upperBound * columns)
          run(piece, rows: 0..<1, columns: stretch, memory, arguments)
        } else {
          for band in units {
            let rows = band * piece.tile.rows
            run(
              piece, rows: rows..<min(rowCount, rows + piece.tile.rows), columns: 0..<columnCount,
              memory, arguments)
          }
        }
      }
    }
  }

  /// Computes some columns of at most a tile's rows.
  private func run(
    _ piece: DenseConvolution.Piece, rows: Range<Int>, columns: Range<Int>, _ memory: Memory,
    _ arguments: TileArguments<DenseField>
  ) {
    let (part, grid) = (piece.part, piece.part.grid)
    let input = memory[operands.input.base]
    let output = memory[operands.output.base]
    piece.tile.run(rows: rows.count, columns: columns, arguments) { columnOfPart in
      let column = part.columns.lowerBound + columnOfPart
      for (index, rowOfPart) in rows.enumerated() {
        let row = part.row(rowOfPart)
        let from = grid.inputOffset(ofRow: row) + column * grid.inputColumnStep
        let to = grid.outputOffset(ofRow: row) + column * grid.outputColumnStep
        arguments.set(.inputs, at: index, input + from)
        for (position, plane) in piece.planes.enumerated() {
          let start = operands.output.planes[plane]
          arguments.set(.outputs, at: position * rows.count + index, output + start + to)
        }
      }
    }
  }
}
