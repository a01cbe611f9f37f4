import ConvoyTensors
import ConvoyTiles

/// Products of matrices by the micro-kernels of dense convolution, `DenseTile`: rows of the first
/// matrix are pixels, its columns are input channels, and 16 columns of the second matrix are a
/// plane of outputs.
///
/// The first matrix is read, and the output written, in place. The second matrix is packed, once
/// where it is constant and in each run where it is large, or read in place. Remaining columns are
/// always packed; their sums are copied to the output from scratch memory, so that nothing outside
/// the matrices is accessed.
struct GeneratedMatrixProduct: MatrixProductMethod, DirectMethod {
  static let title = "generated matrix product"
  let name: String
  let scratchCount: Int
  private let problem: MatrixProductProblem
  private let panels: MatrixPanels
  private let pieces: [Shared<Piece>]
  /// The units of work of one product.
  private let units: [PieceChunk]
  /// The units of all products, small ones together.
  private let chunks: Chunks

  /// Some of the panels of a product.
  private struct Piece: Equatable, Sendable {
    /// Panels of 16 columns that are computed together.
    var panels: Range<Int>
    var tile: TileFunctions
    /// For each step, the offsets in the first matrix and in the second, from the beginning of a
    /// row and of a panel.
    var pairs: [DenseTile.Pair]
    /// The rows of the output, in units of some tiles.
    var rows: Chunks
    /// Whether the piece is the remaining columns.
    var isRest: Bool
  }

  init(_ problem: MatrixProductProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try Refusal.unlessGenerating(machine)
    // In the code, a row's distance in bytes times the tile's rows is a 32-bit constant.
    if max(problem.inner, problem.columns) > 1 << 22 {
      throw Refusal("its rows are longer than generated code can say")
    }
    // A row has as many independent chains of sums as a tile has vectors.
    let chains = GeneratedMatrixProduct.widestPanel(machine) * machine.vectorsPerPlane
    if problem.rows == 1, problem.columns >= PlaneLayout.lanes, chains < 4 {
      throw Refusal("a single row gives its tiles too few sums at once")
    }
    name = "\(machine.name) matrix product"
    self.problem = problem
    let isPacked =
      problem.isSecondConstant || GeneratedMatrixProduct.packingPays(problem, machine)
    let panels = MatrixPanels(problem, isPacked: isPacked, machine)
    self.panels = panels
    let lanes = PlaneLayout.lanes

    let rowPitch = isPacked ? lanes : problem.columns
    let pairs = (0..<problem.inner).map {
      DenseTile.Pair(input: Float.byteCount * $0, weights: Float.byteCount * $0 * rowPitch)
    }
    let restPairs = panels.steps.enumerated().map {
      DenseTile.Pair(input: Float.byteCount * $1, weights: Float.byteCount * $0 * lanes)
    }
    var pieces: [Shared<Piece>] = []
    func add(_ panels: Range<Int>, rows: Int, isRest: Bool, factor: Int) throws(Refusal) {
      let tile = TileFunctions(
        rows: 1, columns: rows, gridRows: 1, gridColumns: problem.rows
      ) { _, rows in
        DenseTile(
          unit: machine.unit, rows: 1, columns: rows, planes: panels.count,
          inputStep: Float.byteCount * problem.inner,
          outputStep: Float.byteCount * (isRest ? lanes : problem.columns),
          factor: factor, activation: .none)
      }
      guard let tile else { throw .noMemoryForCode }
      let tiles = Chunks(
        generated: (problem.rows + rows - 1) / rows,
        multiplyAdds: rows * panels.count * lanes * problem.inner / factor,
        most: GeneratedMatrixProduct.mostTiles)
      pieces.append(
        Shared(
          Piece(
            panels: panels, tile: tile, pairs: isRest ? restPairs : pairs,
            rows: Chunks(items: problem.rows, per: tiles.size * rows), isRest: isRest)))
    }
    if panels.wholePanels > 0 {
      let cut = DensePanels(
        rows: 1, columns: problem.rows, planes: panels.wholePanels, machine: machine)
      for panel in cut.panels {
        try add(panel.planes, rows: panel.columns, isRest: false, factor: 1)
      }
    }
    if panels.rest > 0 {
      let cut = DensePanels(rows: 1, columns: problem.rows, planes: 1, machine: machine)
      try add(
        panels.wholePanels..<panels.wholePanels + 1, rows: cut.panels[0].columns, isRest: true,
        factor: panels.factor)
    }
    self.pieces = pieces
    units = PieceChunk.inOrder(pieces.map(\.value.rows.count))
    let work = problem.rows * problem.inner * (problem.columns + lanes - 1) / lanes * lanes
    chunks = Chunks(
      generated: problem.products.count * units.count, multiplyAdds: work / units.count)
    scratchCount =
      pieces.reduce(0) { $1.value.isRest ? max($0, $1.value.rows.size) : $0 } * lanes
  }

  /// The planes of the widest tile.
  private static func widestPanel(_ machine: Machine) -> Int {
    machine.denseTiles.map(\.planes).max() ?? 1
  }

  /// Whether packing a second matrix that changes is faster. It is where the matrix does not fit
  /// the second-level cache, a panel's rows are in different pages, and enough rows of the first
  /// matrix use it. The narrower the panels, the more often the pages are traversed. Measured: see
  /// `Documentation/Performance.md`.
  private static func packingPays(_ problem: MatrixProductProblem, _ machine: Machine) -> Bool {
    Float.byteCount * problem.inner * problem.columns > machine.secondLevelCache
      && problem.rows >= 64 * widestPanel(machine)
  }

  /// The largest number of tiles of a unit, so that the sums of remaining columns stay in the
  /// first-level cache.
  private static let mostTiles = 16

  var detail: String {
    TileFunctions.text(pieces.map { ($0.value.tile, $0.value.panels.count) })
  }

  // MARK: Packing

  var packedCount: Int { problem.secondCount * panels.size }
  var readsSecond: Bool { panels.packedPanels < panels.wholePanels }

  var packingText: String {
    let (lanes, rest) = (PlaneLayout.lanes, panels.rest)
    let folded = panels.factor > 1 ? ", each over \(panels.factor) lanes" : ""
    let restText = rest == 0 ? nil : "\(rest) columns left over\(folded)"
    let whole =
      panels.wholePanels == 0
      ? nil
      : readsSecond ? "second matrix read where it stands" : "second matrix in panels of \(lanes)"
    return [whole, restText].compactMap { $0 }.joined(separator: ", ")
  }

  func packing(from source: Region, to destination: Region) -> any Kernel {
    MatrixPacking(
      panels: panels, matrices: problem.secondCount, source: source, destination: destination)
  }

  // MARK: Running

  var chunkCount: Int { chunks.count }

  func run(
    chunk: Int, at operands: MatrixProductOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    TileArguments<DenseField>.with { arguments in
      arguments.clearBias()
      for item in chunks[chunk] {
        let (index, unit) = item.quotientAndRemainder(dividingBy: units.count)
        let product = problem.products[index]
        let shared = pieces[units[unit].piece]
        let piece = shared.value
        arguments.set(.steps, piece.pairs.count)
        set(secondOf: piece, product, operands, memory, arguments)
        let first = UnsafePointer(memory[operands.first] + product.first)
        let output = memory[operands.output] + product.output
        let rows = piece.rows[units[unit].chunk]
        piece.pairs.withUnsafeBufferPointer { pairs in
          if let address = pairs.baseAddress { arguments.set(.distances, address) }
          if piece.isRest {
            runRest(piece, rows, first, output, scratch, arguments)
          } else {
            run(piece, rows, first, output, arguments)
          }
        }
      }
    }
  }

  /// Sets the addresses of a piece's panels of the second matrix.
  private func set(
    secondOf piece: Piece, _ product: MatrixProductProblem.Places,
    _ operands: MatrixProductOperands, _ memory: Memory, _ arguments: TileArguments<DenseField>
  ) {
    let lanes = PlaneLayout.lanes
    if piece.isRest || panels.packedPanels > 0, let packed = operands.packed {
      let panel = piece.isRest ? panels.packedPanels : piece.panels.lowerBound
      let start = product.second * panels.size + panel * panels.panelSize
      arguments.set(.weights, memory[packed] + start)
      arguments.set(.weightPitch, Float.byteCount * panels.panelSize)
    } else if let second = operands.second {
      let start = product.second * panels.inner * panels.columns
      arguments.set(.weights, memory[second] + start + piece.panels.lowerBound * lanes)
      arguments.set(.weightPitch, Float.byteCount * lanes)
    }
  }

  private func run(
    _ piece: Piece, _ rows: Range<Int>, _ first: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, _ arguments: TileArguments<DenseField>
  ) {
    piece.tile.run(rows: 1, columns: rows, arguments) { row in
      arguments.set(.inputs, first + row * problem.inner)
      for (position, panel) in piece.panels.enumerated() {
        arguments.set(
          .outputs, at: position,
          output + row * problem.columns + panel * PlaneLayout.lanes)
      }
    }
  }

  /// Computes the sums of columns that do not fill a vector, and copies them to the output.
  private func runRest(
    _ piece: Piece, _ rows: Range<Int>, _ first: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>,
    _ arguments: TileArguments<DenseField>
  ) {
    let lanes = PlaneLayout.lanes
    piece.tile.run(rows: 1, columns: rows, arguments) { row in
      arguments.set(.inputs, first + row * problem.inner)
      arguments.set(.outputs, scratch + (row - rows.lowerBound) * lanes)
    }
    let target = output + panels.wholePanels * lanes
    for (index, row) in rows.enumerated() {
      (target + row * problem.columns).update(from: scratch + index * lanes, count: panels.rest)
    }
  }
}
