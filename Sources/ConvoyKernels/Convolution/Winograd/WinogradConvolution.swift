import ConvoyTensors
import ConvoyTiles

/// Convolution with 3×3 kernels by Winograd's algorithm F(4×4, 3×3), and with 5×5 kernels by F(2×2,
/// 5×5): see `WinogradTransform`. It needs 25 % or 36 % of the multiplications of direct
/// convolution, and has about twice its rounding error.
///
/// A chunk transforms the inputs of some tiles, multiplies them with the weights at each of the 36
/// points, with the micro-kernels of a 1×1 convolution, and transforms the sums of some output
/// planes.
struct WinogradConvolution: ConvolutionMethod, DirectMethod {
  static let title = "generated winograd"
  let name: String
  let scratchCount: Int
  let problem: ConvolutionProblem
  private let cut: WinogradCut
  /// For each group, the planes of its inputs.
  private let inputPlanes: [[Int]]
  /// The tiles of each block.
  private let blocks: [[WinogradGrid.Run]]
  /// The products for each size of block and part that occurs.
  private let products: [Size: [WinogradProducts]]
  private let inputTiles: CornerFunctions
  private let outputTiles: CornerFunctions

  /// The size of a chunk.
  private struct Size: Hashable {
    var tiles: Int
    var planes: Int
  }

  init(_ problem: ConvolutionProblem, _ settings: KernelSettings) throws(Refusal) {
    guard settings.allowsWinograd else { throw Refusal("Winograd's form is switched off") }
    let cut = try WinogradConvolution.cut(problem, settings)
    try self.init(problem, settings.machine, cut)
  }

  /// The division into chunks; refuses problems that the algorithm cannot compute, or not faster,
  /// or for which no code is generated.
  private static func cut(
    _ problem: ConvolutionProblem, _ settings: KernelSettings
  ) throws(Refusal) -> WinogradCut {
    let machine = settings.machine
    try problem.requireGeneratedCode(machine)
    if !problem.input.hasLanes { throw Refusal("its image is row-major") }
    let one = Extents.one
    guard WinogradTransform.of(problem) != nil, problem.stride == one, problem.dilation == one,
      problem.input.extents[0] == 1, problem.output.extents[0] == 1, problem.padding[0] == 0
    else {
      throw Refusal("only 3×3 and 5×5 convolutions of images, without stride or dilation, gain")
    }
    if problem.groups > 1, problem.outputsPerGroup % PlaneLayout.lanes != 0 {
      throw Refusal("groups of \(problem.outputsPerGroup) outputs do not fill planes of 16")
    }
    if problem.planesOfGroups == nil { throw Refusal("planes hold channels of several groups") }
    if min(problem.inputsPerGroup, problem.outputsPerGroup) < fewestChannels {
      throw Refusal("fewer than \(fewestChannels) channels do not pay for the transforms")
    }
    let bytes = WinogradWeights.elementCount(problem) * Float.byteCount
    if bytes > mostBytes {
      throw Refusal(
        "its transformed weights would take \(bytes >> 20) MiB, more than \(mostBytes >> 20)")
    }
    let best = WinogradCut.best(problem, machine)
    let weights = settings.weightsChange ? WinogradWeights.cost(problem, machine) : 0
    let share = (best.cost + weights) / directCost(problem, machine)
    if share > worthwhile {
      throw Refusal("it would take about \(Int(100 * share)) % of direct convolution's time")
    }
    return best.cut
  }

  private static let fewestChannels = 32
  /// The largest size in bytes of a layer's transformed weights, which are up to four times the
  /// weights.
  private static let mostBytes = 64 << 20
  /// The largest estimated cost, as a fraction of direct convolution's, at which the method is
  /// used. Where few tiles wait for weights from memory, the estimate was up to 40 % too low.
  private static let worthwhile = 0.6

  /// The cost of direct convolution, in multiplications of vectors.
  private static func directCost(_ problem: ConvolutionProblem, _ machine: Machine) -> Double {
    let (rows, columns) = (
      problem.output.batch * problem.output.extents[1], problem.output.extents[2]
    )
    let folding = PlaneFolding(problem, machine)
    let parts = folding.parts(of: 0..<problem.output.planes.count / problem.groups)
    let steps = parts.reduce(0) { cost, planes in
      let panels = DensePanels(
        rows: rows, columns: columns, planes: planes.count, machine: machine)
      return cost + panels.cost * Double(folding.blocks[planes.lowerBound].count)
    }
    return steps * Double(problem.kernel.volume * problem.groups)
  }

  /// Plans any problem that the algorithm can compute, whether or not it is faster than direct
  /// convolution.
  ///
  /// - Parameter cut: the division into chunks.
  init(_ problem: ConvolutionProblem, _ machine: Machine, _ cut: WinogradCut) throws(Refusal) {
    guard let transform = WinogradTransform.of(problem) else {
      throw Refusal("only 3×3 and 5×5 convolutions have the fast form")
    }
    let activation = ActivationKind(problem.epilogue)
    name = "\(machine.name) winograd"
    self.problem = problem
    self.cut = cut

    let outputs = transform.outputs
    let grid = WinogradGrid(problem, size: outputs)
    let blocks = (0..<cut.blocks).map { grid.runs(cut.block($0)) }
    self.blocks = blocks
    let used = (0..<problem.groups).map { problem.planes(ofGroup: $0) }
    inputPlanes = used

    let border = transform.taps - 1
    let inputTiles = grid.functions(size: outputs, blocks) {
      WinogradInputTile(
        unit: machine.unit,
        WinogradPart(outputs: outputs, rows: $0 + border, columns: $1 + border))
    }
    let outputTiles = grid.functions(size: outputs, blocks) {
      WinogradOutputTile(
        unit: machine.unit, WinogradPart(outputs: outputs, rows: $0, columns: $1),
        epilogue: Epilogue(addsResidual: problem.addsResidual, activation: activation))
    }
    guard let inputTiles, let outputTiles else { throw .noMemoryForCode }
    (self.inputTiles, self.outputTiles) = (inputTiles, outputTiles)

    var products: [Size: [WinogradProducts]] = [:]
    for tiles in Set((0..<cut.blocks).map { cut.block($0).count }) {
      for planes in Set((0..<cut.parts).map { cut.part($0).count }) {
        var groups: [WinogradProducts] = []
        for (group, used) in used.enumerated() {
          groups.append(
            try WinogradProducts(
              problem, group: group, inputPlanes: used, tiles: tiles, planes: planes, machine))
        }
        products[Size(tiles: tiles, planes: planes)] = groups
      }
    }
    self.products = products
    let values = products.values.joined().map { $0.inputCount + $0.outputCount }.max() ?? 0
    scratchCount = values + WinogradMiddle.bufferCount
  }

  var chunkCount: Int { problem.groups * cut.parts * cut.blocks }

  var detail: String {
    let form = problem.kernel[2] == 3 ? "F(4×4, 3×3)" : "F(2×2, 5×5)"
    return "\(form), \(cut.tiles) tiles in blocks of \(cut.tilesPerBlock), \(cut.planes) planes "
      + "in parts of \(cut.planesPerPart)"
  }

  // MARK: Weights

  var weightCount: Int { WinogradWeights.elementCount(problem) }

  var packingText: String { "weights transformed at 36 points" }

  func packing(from source: Region, to destination: Region) -> any Kernel {
    WinogradWeights(problem, from: source, to: destination)
  }

  // MARK: Running

  func run(
    chunk: Int, at operands: ConvolutionOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    // Neighbouring chunks share their weights.
    let (rest, block) = chunk.quotientAndRemainder(dividingBy: cut.blocks)
    let (group, part) = rest.quotientAndRemainder(dividingBy: cut.parts)
    let size = Size(tiles: cut.block(block).count, planes: cut.part(part).count)
    guard let products = products[size]?[group] else { return }
    let planes = cut.part(part).shifted(by: group * cut.planes)
    let values = scratch + WinogradMiddle.bufferCount
    let sums = values + products.inputCount
    TileArguments<WinogradInputField>.with { arguments in
      arguments.set(.buffer, scratch)
      transformInputs(group, block, operands.input, memory, values, products, arguments)
      products.run(
        planes: planes, weights: memory[operands.weights], values: values, sums: sums,
        arguments.arguments(of: DenseField.self))
      let ofOutputs = arguments.arguments(of: WinogradOutputField.self)
      ofOutputs.set(.buffer, scratch)
      ofOutputs.set(parametersOf: problem.epilogue)
      transformOutputs(planes, block, operands, memory, sums, products, ofOutputs)
    }
  }

  private func transformInputs(
    _ group: Int, _ block: Int, _ input: PlanePlaces, _ memory: Memory,
    _ values: UnsafeMutablePointer<Float>, _ products: WinogradProducts,
    _ arguments: TileArguments<WinogradInputField>
  ) {
    arguments.set(.rowStep, problem.input.rowStride * Float.byteCount)
    arguments.set(.pointPitch, products.inputPitch * Float.byteCount)
    let first = cut.block(block).lowerBound
    for (index, plane) in inputPlanes[group].enumerated() {
      for run in blocks[block] {
        let tile = index * products.tiles + run.first - first
        arguments.set(.tiles, run.count)
        arguments.set(.inputs, input.start(of: plane, in: memory) + run.input)
        arguments.set(.outputs, values + tile * PlaneLayout.lanes)
        inputTiles.run(run, arguments)
      }
    }
  }

  private func transformOutputs(
    _ planes: Range<Int>, _ block: Int, _ operands: ConvolutionOperands, _ memory: Memory,
    _ sums: UnsafeMutablePointer<Float>, _ products: WinogradProducts,
    _ arguments: TileArguments<WinogradOutputField>
  ) {
    arguments.set(.pointPitch, products.outputPitch * Float.byteCount)
    arguments.set(.rowStep, problem.output.rowStride * Float.byteCount)
    let first = cut.block(block).lowerBound
    for (index, plane) in planes.enumerated() {
      arguments.set(bias: plane..<plane + 1, operands, memory)
      arguments.set(residual: plane..<plane + 1, operands, memory)
      for run in blocks[block] {
        let tile = index * products.tiles + run.first - first
        arguments.set(.tiles, run.count)
        arguments.set(.inputs, sums + tile * PlaneLayout.lanes)
        arguments.set(.outputs, operands.output.start(of: plane, in: memory) + run.output)
        outputTiles.run(run, arguments)
      }
    }
  }
}

extension ConvolutionProblem {
  /// The input planes of a group's channels, in order.
  fileprivate func planes(ofGroup group: Int) -> [Int] {
    let channels = input.map[group * inputsPerGroup..<(group + 1) * inputsPerGroup]
    return Set(channels.map(\.plane)).sorted()
  }
}

extension Range<Int> {
  fileprivate func shifted(by distance: Int) -> Range {
    lowerBound + distance..<upperBound + distance
  }
}

extension WinogradGrid {
  /// The transforms of whole tiles, and of the smaller tiles that occur at the edges.
  ///
  /// - Parameter size: the rows and columns of a whole tile.
  /// - Returns: nil where the system refuses memory for code.
  fileprivate func functions(
    size: Int, _ blocks: [[Run]],
    _ description: (_ rows: Int, _ columns: Int) -> some TileDescription
  ) -> CornerFunctions? {
    CornerFunctions { isBottom, isRight in
      let isFound = blocks.joined().contains { $0.isBottom == isBottom && $0.isRight == isRight }
      return isFound
        ? description(isBottom ? edge.rows : size, isRight ? edge.columns : size) : nil
    }
  }
}

extension CornerFunctions {
  /// Transforms some tiles.
  fileprivate func run(_ run: WinogradGrid.Run, _ arguments: TileArguments<some TileField>) {
    if let function = self[isBottom: run.isBottom, isRight: run.isRight] {
      arguments.run(function)
    }
  }
}
