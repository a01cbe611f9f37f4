import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Generated elementwise kernels and batch normalisation against the portable ones, on every machine that
/// this one can be.
@Suite struct GeneratedElementwiseTests {
  static let machines = GeneratedConvolutionTests.machines

  static let operations: [LaneOperation] = [
    .add, .subtract, .multiply, .divide, .maximum, .minimum, .leak,
  ]

  /// Numbers of either sign, some of them special.
  static func number(_ random: inout Random) -> Float {
    let special: [Float] = [0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 3e38]
    return random.below(40) == 0
      ? special[random.below(special.count)] : Float(random.below(8001) - 4000) / 1000
  }

  private static func extents(_ random: inout Random) -> Extents {
    random.below(6) == 0
      ? .one : Extents(1 + random.below(2), 1 + random.below(9), 1 + random.below(19))
  }

  @Test(arguments: machines) func functions(_ machine: Machine) {
    var random = Random(seed: 41)
    for function in LaneFunctionTests.functions {
      for _ in 0..<8 {
        let (batch, extents) = (1 + random.below(3), Self.extents(&random))
        let channels = 1 + random.below(40)
        var test = PlaneCase()
        let image = PlaneCase.layout(
          batch: batch, channels: channels, extents: extents, &random)
        let output = PlaneCase.layout(
          batch: batch, channels: channels, extents: extents, &random)
        let operands = ElementwiseOperands(
          first: test.add(image) { Self.number(&random) }, output: test.add(poisoned: output))
        expectSame(
          test, ElementwiseProblem(.function(function), image, to: output), operands, machine)
      }
    }
  }

  /// Operands of the same pixels, of one pixel an image, and the same for all images; with and without a
  /// function behind.
  @Test(arguments: machines) func arithmetic(_ machine: Machine) {
    var random = Random(seed: 42)
    for operation in Self.operations {
      for _ in 0..<60 {
        let (batch, extents) = (1 + random.below(3), Self.extents(&random))
        let channels = 1 + random.below(40)
        var test = PlaneCase()
        let first = PlaneCase.layout(
          batch: batch, channels: channels, extents: extents, &random)
        let second = PlaneCase.layout(
          batch: random.below(2) == 0 ? 1 : batch, channels: channels,
          extents: random.below(2) == 0 ? .one : extents, &random)
        let output = PlaneCase.layout(
          batch: batch, channels: channels, extents: extents, &random)
        let operands = ElementwiseOperands(
          first: test.add(first) { Self.number(&random) },
          second: test.add(second) { Self.number(&random) }, output: test.add(poisoned: output))
        let tails: [ScalarFunction?] = [nil, .relu, .clip(low: 0, high: 6), .tanh]
        let problem = ElementwiseProblem(
          operation, first, second, to: output, epilogue: tails[random.below(tails.count)])
        expectSame(test, problem, operands, machine)
      }
    }
  }

  /// The derivatives of functions, times a gradient. Such as are computed by exponentials have errors that
  /// very large gradients would show.
  @Test(arguments: machines) func derivatives(_ machine: Machine) {
    var random = Random(seed: 45)
    for function in LaneFunctionTests.functions {
      for _ in 0..<16 {
        let (batch, extents) = (1 + random.below(3), Self.extents(&random))
        let channels = 1 + random.below(40)
        var test = PlaneCase()
        let layouts = (0..<3).map { _ in
          PlaneCase.layout(batch: batch, channels: channels, extents: extents, &random)
        }
        let operands = ElementwiseOperands(
          first: test.add(layouts[0]) { Self.number(&random) },
          second: test.add(layouts[1]) {
            let number = Self.number(&random)
            return function.isByExponentials && abs(number) > 4 ? 1 : number
          }, output: test.add(poisoned: layouts[2]))
        let problem = ElementwiseProblem(
          .derivative(function), layouts[0], layouts[1], to: layouts[2])
        expectSame(test, problem, operands, machine, tolerance: 4e-6)
      }
    }
  }

  /// The result may take the place of an operand.
  @Test(arguments: machines) func inPlace(_ machine: Machine) {
    var random = Random(seed: 43)
    let layout = PlaneLayout(batch: 2, channels: 20, extents: Extents(1, 5, 7))
    var test = PlaneCase()
    let first = test.add(layout) { Self.number(&random) }
    let second = test.add(layout) { Self.number(&random) }
    for place in [first, second] {
      expectSame(
        test, ElementwiseProblem(.subtract, layout, layout, to: layout),
        ElementwiseOperands(first: first, second: second, output: place), machine)
    }
  }

  @Test(arguments: machines) func normalization(_ machine: Machine) {
    var random = Random(seed: 44)
    for _ in 0..<100 {
      let (batch, extents) = (1 + random.below(3), Self.extents(&random))
      let channels = 1 + random.below(40)
      var test = PlaneCase()
      let image = PlaneCase.layout(batch: batch, channels: channels, extents: extents, &random)
      let output = PlaneCase.layout(batch: batch, channels: channels, extents: extents, &random)
      func vector(_ number: () -> Float) -> Region {
        test.add((0..<channels).map { _ in number() })
      }
      let statistics = ChannelStatistics(
        scale: vector { Float(random.below(200) - 100) / 100 },
        mean: vector { Float(random.below(200) - 100) / 100 },
        variance: vector { Float(1 + random.below(200)) / 100 }, epsilon: 1e-5)
      let shift = vector { Float(random.below(200) - 100) / 100 }
      let operands = NormalizationOperands(
        statistics, shift: shift, image: test.add(image) { Self.number(&random) },
        output: test.add(poisoned: output))
      let tails: [ScalarFunction?] = [nil, .relu, .gelu]
      let problem = NormalizationProblem(
        image, to: output, epilogue: tails[random.below(tails.count)])
      let kernels = [machine, .portable].map {
        Catalog.normalization(problem, KernelSettings(machine: $0)).kernel(at: operands)
      }
      #expect(kernels[0].name == "\(machine.name) batch norm")
      test.expectSame(
        kernels[0], as: kernels[1], output, at: operands.output, tolerance: 1e-5, "\(problem)")
    }
  }

  /// What no generated code computes falls to the portable kernel, with a reason.
  @Test(arguments: machines) func refusals(_ machine: Machine) {
    let layout = PlaneLayout(batch: 1, channels: 3, extents: .one)
    let problems = [
      ElementwiseProblem(.power, layout, layout, to: layout),
      ElementwiseProblem(.derivative(.relu), layout, layout, to: layout, epilogue: .relu),
      ElementwiseProblem(.function(.relu), layout, to: layout, epilogue: .tanh),
    ]
    for problem in problems {
      let decision = Catalog.elementwise(problem, KernelSettings(machine: machine)).decision
      #expect(decision.kernel == "portable elementwise")
      guard case .refused(let reason) = decision.candidates[0].verdict else {
        Issue.record("\(decision)")
        continue
      }
      #expect(!reason.isEmpty)
    }
  }

  private func expectSame(
    _ test: PlaneCase, _ problem: ElementwiseProblem, _ operands: ElementwiseOperands,
    _ machine: Machine, tolerance: Float = 1e-6
  ) {
    let kernels = [machine, .portable].map {
      Catalog.elementwise(problem, KernelSettings(machine: $0)).kernel(at: operands)
    }
    #expect(kernels[0].name == "\(machine.name) elementwise")
    test.expectSame(
      kernels[0], as: kernels[1], problem.output, at: operands.output, tolerance: tolerance,
      "\(problem)")
  }
}

extension ScalarFunction {
  /// Whether the derivative is computed by exponentials.
  fileprivate var isByExponentials: Bool {
    switch self {
    case .sigmoid, .tanh, .silu, .gelu, .exponential, .errorFunction, .softplus, .elu(alpha: 0.7),
      .mish,
      .approximateGELU:
      true
    default: false
    }
  }
}
