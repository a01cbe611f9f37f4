import Testing

@testable import ConvoyKernels
@testable import ConvoyTensors

/// Every activation and its derivative, 16 numbers at once, against the table's form in Double.
@Suite struct LaneFunctionTests {
  static let functions: [ScalarFunction] = [
    .relu, .clip(low: 0, high: 6), .clip(low: -1, high: 0.5), .leakyReLU(slope: 0.01), .sigmoid,
    .tanh, .hardSigmoid(slope: 1 / 6, offset: 0.5), .hardSigmoid(slope: 0.2, offset: 0.5),
    .hardSwish, .silu, .gelu, .exponential, .logarithm, .squareRoot, .square, .absoluteValue,
    .reciprocal, .affine(scale: -2, offset: 3), .step,
    .errorFunction, .softplus, .softsign, .elu(alpha: 0.7), .mish, .approximateGELU,
    .power(exponent: 3), .power(exponent: -0.5),
  ]

  /// No activation is left out.
  @Test func everyActivationIsTested() {
    #expect(Set(Self.functions.map(\.name)) == Set(Activations.all.map { $0.name }))
  }

  static let numbers =
    LaneMathTests.sweep(-20...20, count: 8001, also: [-3, 0, 3, 6, 0.5, -1])
    + LaneMathTests.sweep(-120...120, count: 1001) + LaneMathTests.extremes
    + [1e-20, -1e-20, 1e19, -1e19, 1e30, -1e30]

  /// Errors are measured against the result or 1; those of gates' products with x against x too.
  @Test(arguments: functions) func values(_ function: ScalarFunction) {
    let worst = LaneMathTests.worst(
      Self.numbers, atLeast: 1, orArgument: function.isGated, { function.lanes($0) }
    ) { Double(Float(function($0))) }
    #expect(worst.error <= 1e-6, "\(function) at \(worst.at)")
  }

  @Test(arguments: functions) func derivatives(_ function: ScalarFunction) {
    let results = LaneMathTests.apply(Self.numbers) { function.derivative($0) }
    for (x, got) in zip(Self.numbers, results) {
      #expect(
        Self.isDerivative(got, of: function, at: x),
        "\(function) at \(x): \(got), expected \(function.derivative(Double(x)))")
    }
  }

  /// Whether a number is a function's derivative, but for rounding; at a kink that may fall to either side.
  static func isDerivative(_ got: Float, of function: ScalarFunction, at x: Float) -> Bool {
    let near = 1e-6 * max(1, abs(x))
    return [x, x - near, x + near].contains {
      let want = Float(function.derivative(Double($0)))
      return want == got || want.isNaN && got.isNaN
        || abs(got - want) <= 1e-6 * max(1, abs(want))
    }
  }
}

extension ScalarFunction {
  /// f(x) of 16 numbers.
  func lanes(_ x: Lanes) -> Lanes { activation.value(at: x) }

  /// f′(x) of 16 numbers.
  func derivative(_ x: Lanes) -> Lanes { activation.derivative(at: x) }

  /// Whether the function is x times a gate that is computed with an absolute error.
  var isGated: Bool { self == .silu || self == .gelu }
}
