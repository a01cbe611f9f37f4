extension Activations {
  /// |x|
  package struct AbsoluteValue: Activation {
    // The name in saved graphs cannot change.
    package static let name = "magnitude"
    package var label: String { "| |" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.absolute() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.select(x.constant(1), where: x .> 0, else: x.constant(-1))
    }
  }
}

extension ScalarFunction {
  /// |x|
  public static let absoluteValue = ScalarFunction(Activations.AbsoluteValue())
}
