extension Activations {
  /// x to a constant power.
  package struct Power: Activation {
    package static let name = "power"
    package var exponent: Float

    package var parameters: (Float, Float) { (exponent, 0) }
    package var label: String { "^\(exponent)" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.power(p.0) }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      x.power(p.0 - 1) * p.0
    }
  }
}

extension ScalarFunction {
  /// x to a constant power.
  public static func power(exponent: Float) -> ScalarFunction {
    ScalarFunction(Activations.Power(exponent: exponent))
  }
}
