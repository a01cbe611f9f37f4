import ConvoyTensors

/// Batch normalisation by generated code: see `PointwiseTile`.
struct GeneratedNormalization: Kernel {
  let name: String
  private let problem: NormalizationProblem
  private let operands: NormalizationOperands
  private let code: TileFunction
  private let stretches: PlaneStretches
  private let cursors: (RowCursor, RowCursor)
  private let channels: ChannelVectors

  static func refusal(_ problem: NormalizationProblem, _ machine: Machine) -> String? {
    if machine.instructions == nil { return "the machine \(machine.name) has no generated code" }
    return problem.tail.isGenerated ? nil : "no generated code knows the function at the end"
  }

  /// - Returns: nil where the system refuses memory for code.
  init?(_ problem: NormalizationProblem, _ operands: NormalizationOperands, _ machine: Machine) {
    name = "\(machine.name) batch norm"
    self.problem = problem
    self.operands = operands
    channels = ChannelVectors(problem.image)
    guard let tail = TileTail(problem.tail) else { return nil }
    let tile = PointwiseTile(
      machine: machine, arithmetic: .normalize, isSecondFixed: true, tail: tail)
    guard let code = TileKernels.function(tile) else { return nil }
    self.code = code
    stretches = PlaneStretches([problem.output, problem.image], byImage: false, tail: tile.tail)
    cursors = (RowCursor(problem.image), RowCursor(problem.output))
  }

  var chunkCount: Int { stretches.chunkCount }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    TileArguments.with { arguments in
      if let function = problem.tail.function { arguments.set(parametersOf: function) }
      arguments.set(.outputBandStep, stretches.steps[0])
      arguments.set(.inputBandStep, stretches.steps[1])
      stretches.forEach(inChunk: chunk) { stretch in
        let plane = stretch.plane
        let vectors = operands.vectors(ofPlane: plane, of: channels, in: memory)
        arguments.set(.inputs, at: 1, arguments.set(normalization: vectors))
        arguments.set(stretch)
        arguments.set(
          .inputs,
          memory[operands.image] + problem.image.planes[plane]
            + cursors.0.offset(ofRow: stretch.row))
        arguments.set(
          .outputs,
          memory[operands.output] + problem.output.planes[plane]
            + cursors.1.offset(ofRow: stretch.row))
        arguments.run(code)
      }
    }
  }
}

extension TileArguments {
  /// Keeps mean, factor and shift where sums have their beginnings.
  ///
  /// - Returns: where they are.
  fileprivate func set(normalization vectors: (Lanes, Lanes, Lanes)) -> UnsafePointer<Float> {
    let place = base + Field.bias.rawValue
    place.storeBytes(of: vectors.0, as: Lanes.self)
    place.storeBytes(of: vectors.1, toByteOffset: 64, as: Lanes.self)
    place.storeBytes(of: vectors.2, toByteOffset: 128, as: Lanes.self)
    return UnsafePointer(place.assumingMemoryBound(to: Float.self))
  }
}
