import ConvoyTensors
import ConvoyTiles

/// Elementwise computation by generated code: see `PointwiseTile`.
struct GeneratedElementwise: DirectMethod {
  typealias Problem = ElementwiseProblem
  typealias Operands = ElementwiseOperands

  static let title = "generated elementwise"
  let name: String
  private let problem: ElementwiseProblem
  private let code: TileFunction
  /// The function that the code applies; its parameters are arguments.
  private let function: ScalarFunction?
  private let stretches: PlaneStretches
  private let firstCursor: RowCursor
  private let secondCursor: RowCursor
  private let outputCursor: RowCursor

  init(_ problem: ElementwiseProblem, _ settings: KernelSettings) throws(Refusal) {
    let machine = settings.machine
    try Refusal.unlessGenerating(machine)
    name = "\(machine.name) elementwise"
    self.problem = problem
    function = try GeneratedElementwise.function(of: problem)
    let tile = PointwiseTile(
      unit: machine.unit, operation: PointwiseTile.Operation(problem.operation),
      isSecondFixed: problem.isByChannel, activation: ActivationKind(function))
    guard let code = TileKernels.function(tile) else { throw .noMemoryForCode }
    self.code = code
    // A pixel that is shared by many is read in place, whatever surrounds it.
    let second = problem.isByChannel ? problem.first : problem.second ?? problem.first
    stretches = PlaneStretches(
      [problem.output, problem.first, second],
      byImage: problem.isByChannel != problem.isSecondShared, activation: tile.activation)
    firstCursor = RowCursor(problem.first)
    secondCursor = RowCursor(second)
    outputCursor = RowCursor(problem.output)
  }

  /// The only function that a problem applies, if it applies any.
  private static func function(
    of problem: ElementwiseProblem
  ) throws(Refusal) -> ScalarFunction? {
    switch problem.operation {
    case .power: throw Refusal("no generated code knows powers")
    case .function(let function), .derivative(let function):
      if problem.epilogue != nil {
        throw Refusal("two functions are more than one loop applies")
      }
      return function
    default: return problem.epilogue
    }
  }

  var chunkCount: Int { stretches.chunkCount }

  func run(
    chunk: Int, at operands: ElementwiseOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    TileArguments<PointwiseField>.with { arguments in
      if let function { arguments.set(parametersOf: function) }
      arguments.set(.outputStep, stretches.steps[0])
      arguments.set(.firstStep, stretches.steps[1])
      arguments.set(.secondStep, stretches.steps[2])
      stretches.forEach(inChunk: chunk) { stretch in
        arguments.set(stretch)
        arguments.set(
          .inputs,
          operands.first.start(of: stretch.plane, in: memory)
            + firstCursor.offset(ofRow: stretch.row))
        if let second = problem.second {
          arguments.set(
            .inputs, at: 1,
            operands.second.start(of: stretch.plane, in: memory) + offset(in: second, stretch))
        }
        arguments.set(
          .outputs,
          operands.output.start(of: stretch.plane, in: memory)
            + outputCursor.offset(ofRow: stretch.row))
        arguments.run(code)
      }
    }
  }

  /// The offset of a stretch in a plane of the second operand.
  private func offset(in second: PlaneLayout, _ stretch: PlaneStretches.Stretch) -> Int {
    let image = stretches.image(ofRow: stretch.row)
    if problem.isByChannel {
      return second.offset(.zero) + (problem.isSecondShared ? 0 : image * second.imageStride)
    }
    let all = secondCursor.offset(ofRow: stretch.row)
    return problem.isSecondShared ? all - image * second.imageStride : all
  }
}

extension PointwiseTile.Operation {
  /// The operation that precedes a function.
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
