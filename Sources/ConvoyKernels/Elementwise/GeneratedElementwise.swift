import ConvoyTensors

/// Elementwise computation by generated code: see `PointwiseTile`.
struct GeneratedElementwise: Kernel {
  let name: String
  private let problem: ElementwiseProblem
  private let operands: ElementwiseOperands
  private let code: TileFunction
  /// The function that the code applies, whose parameters it is told.
  private let function: ScalarFunction?
  private let stretches: PlaneStretches
  private let cursors: (first: RowCursor, second: RowCursor, output: RowCursor)

  static func refusal(_ problem: ElementwiseProblem, _ machine: Machine) -> String? {
    if machine.instructions == nil { return "the machine \(machine.name) has no generated code" }
    if !problem.tail.isGenerated { return "no generated code knows the function at the end" }
    switch problem.operation {
    case .power: return "no generated code knows powers"
    case .function where problem.tail.function != nil,
      .derivative where problem.tail.function != nil:
      return "two functions are more than one loop applies"
    case .function(let function) where TileTail(function) == nil,
      .derivative(let function) where TileTail(function) == nil:
      return "no generated code knows this function"
    default: return nil
    }
  }

  /// - Returns: nil where the system refuses memory for code.
  init?(_ problem: ElementwiseProblem, _ operands: ElementwiseOperands, _ machine: Machine) {
    name = "\(machine.name) elementwise"
    self.problem = problem
    self.operands = operands
    function =
      switch problem.operation {
      case .function(let function), .derivative(let function): function
      default: problem.tail.function
      }
    guard let tail = TileTail(Tail(function)) else { return nil }
    let tile = PointwiseTile(
      machine: machine, arithmetic: PointwiseTile.Arithmetic(problem.operation),
      isSecondFixed: problem.isByChannel, tail: tail)
    guard let code = TileKernels.function(tile) else { return nil }
    self.code = code
    // A pixel that many meet is read where it stands, whatever surrounds it.
    let second = problem.isByChannel ? problem.first : problem.second ?? problem.first
    stretches = PlaneStretches(
      [problem.output, problem.first, second],
      byImage: problem.isByChannel != problem.isSecondShared, tail: tile.tail)
    cursors = (RowCursor(problem.first), RowCursor(second), RowCursor(problem.output))
  }

  var chunkCount: Int { stretches.chunkCount }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    TileArguments.with { arguments in
      if let function { arguments.set(parametersOf: function) }
      arguments.set(.outputBandStep, stretches.steps[0])
      arguments.set(.inputBandStep, stretches.steps[1])
      arguments.set(.secondBandStep, stretches.steps[2])
      stretches.forEach(inChunk: chunk) { stretch in
        arguments.set(stretch)
        arguments.set(
          .inputs,
          memory[operands.first] + problem.first.planes[stretch.plane]
            + cursors.first.offset(ofRow: stretch.row))
        if let second = problem.second {
          arguments.set(
            .inputs, at: 1,
            memory[operands.second] + second.planes[stretch.plane] + offset(in: second, stretch))
        }
        arguments.set(
          .outputs,
          memory[operands.output] + problem.output.planes[stretch.plane]
            + cursors.output.offset(ofRow: stretch.row))
        arguments.run(code)
      }
    }
  }

  /// Where a stretch begins in a plane of the second operand.
  private func offset(in second: PlaneLayout, _ stretch: PlaneStretches.Stretch) -> Int {
    let image = stretches.image(ofRow: stretch.row)
    if problem.isByChannel {
      return second.offset(.zero) + (problem.isSecondShared ? 0 : image * second.imageStride)
    }
    let all = cursors.second.offset(ofRow: stretch.row)
    return problem.isSecondShared ? all - image * second.imageStride : all
  }
}

extension PointwiseTile.Arithmetic {
  /// What an operation does before a function is applied.
  fileprivate init(_ operation: LaneOperation) {
    self =
      switch operation {
      case .function, .power: .none
      case .derivative: .derivative
      case .add: .add
      case .subtract: .subtract
      case .multiply: .multiply
      case .divide: .divide
      case .maximum: .maximum
      case .minimum: .minimum
      case .leak: .leak
      }
  }
}
