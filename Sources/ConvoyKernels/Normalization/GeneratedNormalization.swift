import ConvoyTensors
import ConvoyTiles

/// Batch normalisation by generated code: see `PointwiseTile`.
struct GeneratedNormalization: DirectMethod {
  typealias Problem = NormalizationProblem
  typealias Operands = NormalizationOperands

  static let title = "generated batch norm"
  let name: String
  private let problem: NormalizationProblem
  private let code: TileFunction
  private let stretches: PlaneStretches
  private let imageCursor: RowCursor
  private let outputCursor: RowCursor
  private let channels: ChannelVectors

  init(_ problem: NormalizationProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try Refusal.unlessGenerating(machine)
    name = "\(machine.name) batch norm"
    self.problem = problem
    channels = ChannelVectors(problem.image)
    let activation = ActivationKind(problem.epilogue)
    let tile = PointwiseTile(
      unit: machine.unit, operation: .normalize, isSecondFixed: true, activation: activation)
    guard let code = TileKernels.function(tile) else { throw .noMemoryForCode }
    self.code = code
    stretches = PlaneStretches(
      [problem.output, problem.image], byImage: false, activation: tile.activation)
    imageCursor = RowCursor(problem.image)
    outputCursor = RowCursor(problem.output)
  }

  var chunkCount: Int { stretches.chunkCount }

  func run(
    chunk: Int, at operands: NormalizationOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    TileArguments<PointwiseField>.with { arguments in
      if let function = problem.epilogue { arguments.set(parametersOf: function) }
      arguments.set(.outputStep, stretches.steps[0])
      arguments.set(.firstStep, stretches.steps[1])
      stretches.forEach(inChunk: chunk) { stretch in
        let plane = stretch.plane
        let vectors = operands.vectors(ofPlane: plane, of: channels, in: memory)
        arguments.set(.inputs, at: 1, arguments.set(normalization: vectors))
        arguments.set(stretch)
        arguments.set(
          .inputs,
          operands.image.start(of: plane, in: memory)
            + imageCursor.offset(ofRow: stretch.row))
        arguments.set(
          .outputs,
          operands.output.start(of: plane, in: memory)
            + outputCursor.offset(ofRow: stretch.row))
        arguments.run(code)
      }
    }
  }
}

extension TileArguments<PointwiseField> {
  /// Stores mean, factor and shift at the address of initial values.
  ///
  /// - Returns: their address.
  fileprivate func set(normalization vectors: (Lanes, Lanes, Lanes)) -> UnsafePointer<Float> {
    let place = base + CommonField.bias.rawValue
    place.storeBytes(of: vectors.0, as: Lanes.self)
    place.storeBytes(of: vectors.1, toByteOffset: 64, as: Lanes.self)
    place.storeBytes(of: vectors.2, toByteOffset: 128, as: Lanes.self)
    return UnsafePointer(place.assumingMemoryBound(to: Float.self))
  }
}
