import ConvoyTensors
import ConvoyTiles

/// The weight gradient of dense convolutions by generated micro-kernels: see `DenseGradientTile`.
/// It accepts the problems of `DenseConvolution`.
///
/// A chunk is a part of the pixels and a piece of the sums: some pairs of input channel and tap,
/// and a panel of planes of the output's gradient that they are multiplied with.
struct DenseWeightGradient: WeightGradientMethod {
  static let title = "generated weight gradient, dense"
  let name: String
  let pairOffsets: [[Int]]?
  private let problem: ConvolutionProblem
  private let parts: [[GradientGrid.Block]]
  private let grid: GradientGrid
  private let pieces: [Piece]

  /// Some planes of a group's outputs, and some of the group's pairs.
  private struct Piece: Equatable, Sendable {
    let planes: Range<Int>
    let tiles: [Tile]
  }

  private struct Tile: Equatable, Sendable {
    let function: TileFunction
    /// The pairs in the order of the sums.
    let pairs: Range<Int>
    /// The first pair of each line.
    let lines: [PlaneSource]
  }

  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try problem.requireGeneratedCode(machine)
    let planesOfGroups = try problem.requirePlanesOfGroups()
    name = "\(machine.name) weight gradient, dense"
    self.problem = problem
    let grid = GradientGrid(problem, joinsImages: true)
    self.grid = grid
    var offsets: [[Int]] = []
    var panels: [(planes: Range<Int>, cost: Double, tiles: [Tile])] = []
    for (group, planes) in planesOfGroups.enumerated() {
      let pairs = GradientPairs(problem, group: group)
      offsets.append(pairs.offsets)
      for panel in pairs.panels(planes, machine) {
        var tiles: [Tile] = []
        for cut in panel.tiles {
          let description = DenseGradientTile(
            unit: machine.unit, planes: panel.planes.count, reads: cut.reads,
            imageStep: Float.byteCount * grid.image.column,
            gradientStep: Float.byteCount * grid.gradient.column)
          guard let function = TileKernels.function(description) else { throw .noMemoryForCode }
          tiles.append(Tile(function: function, pairs: cut.pairs, lines: cut.lines))
        }
        panels.append((panel.planes, panel.cost, tiles))
      }
    }
    pairOffsets = offsets
    let total = panels.reduce(0) { $0 + $1.cost }
    pieces = panels.flatMap { panel in
      let count = max(
        1, min(panel.tiles.count, Int(panel.cost / total * Double(PartialSums.wantedChunks))))
      return (0..<count).map { part in
        let tiles = panel.tiles.count * part / count..<panel.tiles.count * (part + 1) / count
        return Piece(planes: panel.planes, tiles: Array(panel.tiles[tiles]))
      }
    }
    // A piece's pixels stay in the second-level cache from one tile to the next.
    let planes = pieces.map { $0.planes.count + Set($0.tiles.flatMap(\.lines)).count }.max() ?? 1
    parts = grid.parts(
      PartialSums.partCount(
        pixels: grid.pixelCount, planes: pieces.count,
        products: Int(total) / max(1, pieces.count)),
      pixelsPerBlock: max(
        64, machine.secondLevelCache / 2 / (planes * PlaneLayout.lanes * Float.byteCount)))
  }

  var partCount: Int { parts.count }

  var detail: String {
    let tiles = pieces.flatMap { piece in piece.tiles.map { ($0.pairs.count, piece.planes.count) } }
    let shapes = tiles.map { "\($0) pairs × \($1) \($1 == 1 ? "plane" : "planes")" }
    let different = shapes.enumerated().filter { shapes.firstIndex(of: $0.element) == $0.offset }
    return "tiles of " + different.map(\.element).joined(separator: ", ")
      + "; pixels in \(parts.count) \(parts.count == 1 ? "part" : "parts")"
  }

  func kernel(at operands: WeightGradientOperands) -> any Kernel {
    let planes = operands.input.planes
    return Placed(
      name: name, detail: detail, operands: operands, place: PartialSums(problem), parts: parts,
      grid: grid,
      pieces: pieces.map { piece in
        Shared(
          PlacedPiece(
            planes: piece.planes,
            tiles: piece.tiles.map { tile in
              PlacedTile(
                function: tile.function, pairs: tile.pairs,
                lines: tile.lines.map { Float.byteCount * $0.placed(planes) })
            }))
      })
  }

  // MARK: Placed

  private struct PlacedPiece: Equatable, Sendable {
    let planes: Range<Int>
    let tiles: [PlacedTile]
  }

  private struct PlacedTile: Equatable, Sendable {
    let function: TileFunction
    let pairs: Range<Int>
    /// Bytes from the image's pixel to the first pair of each line.
    let lines: [Int]
  }

  /// The method with operands at given addresses.
  private struct Placed: Kernel {
    let name: String
    let detail: String
    let operands: WeightGradientOperands
    let place: PartialSums
    let parts: [[GradientGrid.Block]]
    let grid: GradientGrid
    let pieces: [Shared<PlacedPiece>]

    var chunkCount: Int { pieces.count * parts.count }

    func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
      let (part, number) = chunk.quotientAndRemainder(dividingBy: pieces.count)
      let piece = pieces[number].value
      let image = UnsafePointer(memory[operands.input.base])
      let planes = operands.gradient.planes
      let first = planes[piece.planes.lowerBound]
      let gradient = UnsafePointer(memory[operands.gradient.base] + first)
      let lanes = PlaneLayout.lanes
      for plane in piece.planes {
        let sums = place.start(of: plane, part: part, memory[operands.sums])
        for tile in piece.tiles {
          (sums + tile.pairs.lowerBound * lanes).update(
            repeating: 0, count: tile.pairs.count * lanes)
        }
      }
      let sums = place.start(of: piece.planes.lowerBound, part: part, memory[operands.sums])
      GradientArguments.with { arguments in
        arguments.set(.sumsPitch, Float.byteCount * place.planeSize)
        for block in parts[part] {
          let (row, column) = (block.firstRow, block.firstColumn)
          let from = image + grid.imageOffset(row: row, column: column)
          let other = gradient + grid.gradientOffset(row: row, column: column)
          for tile in piece.tiles {
            arguments.set((block.rows, block.columns, block.slices), tile: (1, 1), grid)
            arguments.set(.image, from)
            arguments.set(.gradient, other)
            arguments.set(.sums, sums + tile.pairs.lowerBound * lanes)
            for (index, line) in tile.lines.enumerated() {
              arguments.set(.offsets, at: index, line)
            }
            for (index, plane) in piece.planes.dropFirst().enumerated() {
              arguments.set(
                .offsets, at: tile.lines.count + index, Float.byteCount * (planes[plane] - first))
            }
            arguments.run(tile.function)
          }
        }
      }
    }
  }
}

/// The pairs of input channel and tap of a group, in an order in which many neighbours read the
/// same line of the same plane. Their distances are then constant, whatever the extents of the
/// images.
private struct GradientPairs {
  /// For each pair in this order, the offset of its weight: see `WeightOrder`.
  let offsets: [Int]
  private let lines: [Line]

  /// Pairs of a plane that read the same line.
  private struct Line {
    /// The first pair.
    var start: PlaneSource
    /// Floats from the first pair to each pair.
    var distances: [Int]
  }

  /// The pairs of a tile.
  struct Tile {
    var pairs: Range<Int>
    var reads: [DenseGradientTile.Read]
    var lines: [PlaneSource]
  }

  init(_ problem: ConvolutionProblem, group: Int) {
    let order = WeightOrder(problem)
    let input = problem.input
    struct Key: Hashable {
      var plane: Int
      var line: LaneGeometry.Line
    }
    // Lane by lane, with the line's taps for each lane: tiles of different lanes then read at the
    // same distances.
    let channels = (0..<problem.inputsPerGroup).map { channel in
      (channel: channel, position: input.map[group * problem.inputsPerGroup + channel])
    }.sorted { ($0.position.plane, $0.position.lane) < ($1.position.plane, $1.position.lane) }
    var pairs: [Key: [(place: Int, offset: Int)]] = [:]
    var keys: [Key] = []
    for (channel, position) in channels {
      for (tap, offset) in problem.phases[0].taps.map(\.offset).enumerated() {
        let key = Key(plane: position.plane, line: [offset[0], offset[1]])
        if pairs[key] == nil { keys.append(key) }
        let place = position.lane + input.distance(offset)
        pairs[key, default: []].append((place, channel * order.inputStride + tap))
      }
    }
    let all = keys.map { (plane: $0.plane, pairs: pairs[$0] ?? []) }
    offsets = all.flatMap { $0.pairs.map(\.offset) }
    lines = all.map { line in
      let first = line.pairs[0].place
      return Line(
        start: PlaneSource(plane: line.plane, offset: first),
        distances: line.pairs.map { $0.place - first })
    }
  }

  /// The division of planes into panels, and the tiles of each panel, with the lowest estimated
  /// cost.
  func panels(
    _ planes: Range<Int>, _ machine: Machine
  ) -> [(planes: Range<Int>, cost: Double, tiles: [Tile])] {
    let choices = machine.denseTiles.map { shape in
      let tiles = cut(pairsPerTile: shape.pixels)
      let cost = tiles.reduce(0) {
        $0 + machine.cost(pixels: $1.reads.count, planes: shape.planes)
      }
      return (planes: shape.planes, cost: cost, tiles: tiles)
    }
    return PanelCut(planes, choices.map { ($0.planes, $0.cost) }).panels.map { panel in
      let choice = choices[panel.choice]
      return (panel.planes, choice.cost, choice.tiles)
    }
  }

  /// Tiles of at most a number of pairs: parts of a line, or several short lines.
  private func cut(pairsPerTile: Int) -> [Tile] {
    var tiles: [Tile] = []
    var first = 0
    for line in lines {
      let count = line.distances.count
      if let last = tiles.last, last.reads.count + count <= pairsPerTile,
        last.lines.count < DenseGradientTile.maximalLines, last.pairs.count >= count
      {
        tiles[tiles.count - 1].pairs = last.pairs.lowerBound..<first + count
        tiles[tiles.count - 1].lines.append(line.start)
        tiles[tiles.count - 1].reads += line.distances.map {
          DenseGradientTile.Read(line: last.lines.count, distance: $0)
        }
      } else {
        let parts = (count + pairsPerTile - 1) / pairsPerTile
        for part in 0..<parts {
          let pairs = count * part / parts..<count * (part + 1) / parts
          let start = line.distances[pairs.lowerBound]
          tiles.append(
            Tile(
              pairs: first + pairs.lowerBound..<first + pairs.upperBound,
              reads: line.distances[pairs].map {
                DenseGradientTile.Read(line: 0, distance: $0 - start)
              },
              lines: [
                PlaneSource(plane: line.start.plane, offset: line.start.offset + start)
              ]))
        }
      }
      first += count
    }
    return tiles
  }
}
