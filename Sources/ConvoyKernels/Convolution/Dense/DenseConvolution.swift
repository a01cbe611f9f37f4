import ConvoyTensors

/// Dense convolution by generated tiles: see `BroadcastTile`. Takes what
/// `PortableBroadcastConvolution` takes.
struct GeneratedBroadcastConvolution: Kernel {
  let name: String
  let operands: ConvolutionOperands
  let problem: ConvolutionProblem
  private let pieces: [Piece]
  /// For each chunk, its piece and which of the piece's chunks it is.
  private let places: [(piece: Int, chunk: Int)]

  /// The work of a panel of planes: a part of the outputs of one phase.
  ///
  /// A class, since each chunk takes hold of one.
  private final class Piece: Sendable {
    let planes: Range<Int>
    /// Lanes that an output's sum is spread over: see `PlaneFolding`.
    let factor: Int
    let tile: TileFunctions
    let part: GridPart
    let pairs: [BroadcastTile.Pair]
    /// Floats from the packed weights' beginning to the first plane's.
    let weightStart: Int
    /// Floats from a plane's weights to the next plane's.
    let weightPitch: Int
    let chunks: Chunks

    init(
      planes: Range<Int>, factor: Int, _ tile: TileFunctions, _ part: GridPart,
      _ pairs: [BroadcastTile.Pair], weightStart: Int, weightPitch: Int
    ) {
      self.planes = planes
      self.factor = factor
      self.tile = tile
      self.part = part
      self.pairs = pairs
      self.weightStart = weightStart
      self.weightPitch = weightPitch
      let (rows, columns) = (part.rowCount, part.columns.count)
      // Bands of rows; where there is but one row, tiles of it.
      let units =
        rows == 1
        ? (columns + tile.columns - 1) / tile.columns : (rows + tile.rows - 1) / tile.rows
      let sums = rows * columns * planes.count * PlaneLayout.lanes
      chunks = Chunks(generated: units, multiplyAdds: sums * max(1, pairs.count) / units)
    }
  }

  static func refusal(_ problem: ConvolutionProblem, _ machine: Machine) -> String? {
    if let refusal = problem.refusalOfGeneratedCode(machine) { return refusal }
    return PortableBroadcastConvolution.refusal(problem)
  }

  /// - Returns: nil where the system refuses memory for code, or no code is generated for the tail.
  init?(_ problem: ConvolutionProblem, _ operands: ConvolutionOperands, _ machine: Machine) {
    name = "\(machine.name) broadcast"
    self.problem = problem
    self.operands = operands
    guard let tail = TileTail(operands.tail) else { return nil }
    // What `refusal` accepts has such planes.
    let planesOfGroups = problem.planesOfGroups ?? []
    let folding = PlaneFolding(problem, machine)
    var pieces: [Piece] = []
    var places: [(piece: Int, chunk: Int)] = []
    for (phase, starts) in zip(problem.phases, folding.weightStarts(problem.phases).starts) {
      for (group, planesOfGroup) in planesOfGroups.enumerated() {
        for planes in folding.parts(of: planesOfGroup) {
          let factor = folding.factors[planes.lowerBound]
          let blocks = folding.blocks[planes.lowerBound]
          let pairs = problem.broadcastPairs(group: group, blocks, phase.taps)
          let cut = GridCut(
            phase, problem, planes: planes.count, blocks: blocks.count, machine)
          for (part, panels) in cut.parts {
            let firstPiece = pieces.count
            let pairsOfPart = part.pairs(pairs, taps: phase.taps.count)
            let inputStep = part.grid.inputColumnStep * 4
            let fetchesAhead = problem.input.hasLanes && phase.taps.count == 1 && factor == 1
            for panel in panels.panels {
              let pairsOfPanel =
                fetchesAhead
                ? pairsOfPart.fetchingAhead(columns: panel.columns, step: inputStep) : pairsOfPart
              let tile = TileFunctions(
                rows: panel.rows, columns: panel.columns, gridRows: part.rowCount,
                gridColumns: part.columns.count
              ) { rows, columns in
                BroadcastTile(
                  machine: machine, rows: rows, columns: columns, planes: panel.planes.count,
                  inputStep: inputStep, outputStep: part.grid.outputColumnStep * 4,
                  fetchesAhead: fetchesAhead, addsResidual: operands.residual != nil,
                  factor: factor, tail: tail)
              }
              guard let tile else { return nil }
              let first = planes.lowerBound + panel.planes.lowerBound
              let piece = Piece(
                planes: first..<first + panel.planes.count, factor: factor, tile, part,
                pairsOfPanel, weightStart: starts[first],
                weightPitch: pairs.count * PlaneLayout.lanes)
              pieces.append(piece)
            }
            places += GeneratedBroadcastConvolution.places(
              pieces[firstPiece...], pixels: part.rowCount * part.columns.count,
              inputs: blocks.count * factor, machine)
          }
        }
      }
    }
    self.pieces = pieces
    self.places = places
  }

  /// In what order the chunks of a part's panels are done.
  ///
  /// Panel after panel, so that a panel's weights stay in the first-level cache, unless the pixels that each
  /// panel goes through would come from beyond the second-level cache and are more than the weights read
  /// again for each chunk's pixels: then all panels of some pixels come before the next pixels.
  private static func places(
    _ pieces: ArraySlice<Piece>, pixels: Int, inputs: Int, _ machine: Machine
  ) -> [(piece: Int, chunk: Int)] {
    let places = pieces.indices.flatMap { piece in
      (0..<pieces[piece].chunks.count).map { (piece: piece, chunk: $0) }
    }
    let planes = pieces.map(\.planes.count).reduce(0, +)
    let cuts = pieces.map(\.chunks.count).max() ?? 1
    let taps = pieces.first.map { $0.part.taps.count } ?? 1
    let weightBytes = 4 * PlaneLayout.lanes * planes * inputs * taps
    let inputBytes = 4 * inputs * pixels
    guard 2 * inputBytes > machine.secondLevelCache, weightBytes * cuts < inputBytes * pieces.count
    else { return places }
    func position(_ place: (piece: Int, chunk: Int)) -> Double {
      Double(place.chunk) / Double(pieces[place.piece].chunks.count)
    }
    return places.sorted { (position($0), $0.piece) < (position($1), $1.piece) }
  }

  var chunkCount: Int { places.count }

  var detail: String { TileFunctions.text(pieces.map { ($0.tile, $0.planes.count) }) }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let place = places[chunk]
    let piece = pieces[place.piece]
    let units = piece.chunks[place.chunk]
    let (rowCount, columnCount) = (piece.part.rowCount, piece.part.columns.count)
    TileArguments.with { arguments in
      arguments.set(.steps, piece.pairs.count)
      arguments.set(.weights, memory[operands.weights] + piece.weightStart)
      arguments.set(.weightPitch, piece.weightPitch * 4)
      arguments.set(bias: piece.planes, operands, memory)
      if piece.factor > 1 { arguments.spreadBias(factor: piece.factor) }
      arguments.set(residual: piece.planes, operands, problem, memory)
      piece.pairs.withUnsafeBufferPointer { pairs in
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

  /// Computes some columns of as many of a part's rows as a tile has, or fewer.
  private func run(
    _ piece: Piece, rows: Range<Int>, columns: Range<Int>, _ memory: Memory,
    _ arguments: TileArguments
  ) {
    let (part, grid) = (piece.part, piece.part.grid)
    let input = memory[operands.input]
    let output = memory[operands.output]
    piece.tile.run(rows: rows.count, columns: columns, arguments) { columnOfPart in
      let column = part.columns.lowerBound + columnOfPart
      for (index, rowOfPart) in rows.enumerated() {
        let row = part.row(rowOfPart)
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
  /// The pairs of blocks of a group's input channels and a phase's taps, in the order of their weights.
  fileprivate func broadcastPairs(
    group: Int, _ blocks: [PlaneFolding.Block], _ taps: [Phase.Tap]
  ) -> [BroadcastTile.Pair] {
    let distances = broadcastDistances(group: group, taps)
    return blocks.enumerated().flatMap { index, block in
      taps.indices.map { tap in
        BroadcastTile.Pair(
          input: distances[block.channel * taps.count + tap] * 4,
          weights: (index * taps.count + tap) * PlaneLayout.lanes * 4)
      }
    }
  }
}

extension [BroadcastTile.Pair] {
  /// With each pair, one pixel of the next tile is fetched from the pair's plane: as a plane's channels
  /// follow each other, all of them are.
  fileprivate func fetchingAhead(columns: Int, step: Int) -> [BroadcastTile.Pair] {
    enumerated().map { index, pair in
      var pair = pair
      pair.ahead = pair.input + index % columns * step
      return pair
    }
  }
}

extension GridPart {
  /// Those of a phase's pairs that add something.
  fileprivate func pairs(_ pairs: [BroadcastTile.Pair], taps count: Int) -> [BroadcastTile.Pair] {
    if taps.count == count { return pairs }
    return stride(from: 0, to: pairs.count, by: count).flatMap { first in
      taps.map { pairs[first + $0] }
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
  /// - Parameters:
  ///   - multiplyAdds: what one item costs.
  ///   - most: items of a chunk, at most, about.
  init(generated items: Int, multiplyAdds: Int, most: Int = .max) {
    let cost = (multiplyAdds * Chunks.worthwhile) >> 20
    self.init(items: items, cost: max(1, cost, Chunks.worthwhile / most))
  }
}
