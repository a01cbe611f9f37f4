import ConvoyTensors
import Testing

@testable import ConvoyKernels

/// Every activation and its derivative, 16 numbers at once, against the table's form in Double.
@Suite struct LaneFunctionTests {
  static let functions: [ScalarFunction] = [
    .relu, .clip(low: 0, high: 6), .clip(low: -1, high: 0.5), .leakyReLU(slope: 0.01), .sigmoid,
    .tanh, .hardSigmoid(slope: 1 / 6, offset: 0.5), .hardSigmoid(slope: 0.2, offset: 0.5),
    .hardSwish, .silu, .gelu, .exponential, .logarithm, .squareRoot, .square, .magnitude,
    .reciprocal, .affine(scale: -2, offset: 3), .step,
    .errorFunction, .softplus, .softsign, .elu(alpha: 0.7), .mish, .approximateGELU,
    .power(exponent: 3), .power(exponent: -0.5),
  ]

  /// Those that generated code applies.
  static let generated = functions.filter { Tail($0).isGenerated }

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
      // At a kink rounding may fall to either side.
      let near = [x, x - 1e-6 * max(1, abs(x)), x + 1e-6 * max(1, abs(x))].map {
        Float(function.derivative(Double($0)))
      }
      #expect(
        near.contains { want in
          want == got || want.isNaN && got.isNaN
            || abs(got - want) <= 1e-6 * max(1, abs(want))
        }, "\(function) at \(x): \(got), expected \(near[0])")
    }
  }
}

extension ScalarFunction {
  /// Whether the function is x times a gate that is computed with an absolute error.
  var isGated: Bool { self == .silu || self == .gelu }
}
