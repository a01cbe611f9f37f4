extension Activations {
  /// x where positive, else slope·x.
  package struct LeakyReLU: Activation {
    package static let name = "leakyReLU"
    package var slope: Float

    package var parameters: (Float, Float) { (slope, 0) }
    package var label: String { "leaky ReLU" }

    @inline(__always)
    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      x.multiplyingNegatives(by: p.0)
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.select(x.constant(1), where: x .> 0, else: p.0)
    }
  }
}

extension ScalarFunction {
  /// x where positive, else slope·x.
  public static func leakyReLU(slope: Float) -> ScalarFunction {
    ScalarFunction(Activations.LeakyReLU(slope: slope))
  }
}
