extension Activations {
  /// The natural logarithm.
  package struct Logarithm: Activation {
    package static let name = "logarithm"
    package var label: String { "log" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.logarithm() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { 1 / x }
  }
}

extension ScalarFunction {
  /// The natural logarithm.
  public static let logarithm = ScalarFunction(Activations.Logarithm())
}
