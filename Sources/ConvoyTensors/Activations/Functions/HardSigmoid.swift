extension Activations {
  /// slope·x + offset limited to 0…1; MobileNet v3 and ONNX's HardSwish have slope 1⁄6 and
  /// offset ½.
  package struct HardSigmoid: Activation {
    package static let name = "hardSigmoid"
    package var slope: Float
    package var offset: Float

    package var parameters: (Float, Float) { (slope, offset) }
    package var label: String { "hard sigmoid" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      x.times(p.0, plus: p.1).limited(0, 1)
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      // Not fused, so that kinks are at the same numbers on every machine.
      let inner = x * p.0 + p.1
      return X.select(p.0, where: X.both(inner .> 0, inner .<= 1))
    }
  }
}

extension ScalarFunction {
  /// slope·x + offset limited to 0…1; MobileNet v3 and ONNX's HardSwish have slope 1⁄6 and
  /// offset ½.
  public static func hardSigmoid(slope: Float, offset: Float) -> ScalarFunction {
    ScalarFunction(Activations.HardSigmoid(slope: slope, offset: offset))
  }
}
