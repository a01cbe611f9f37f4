extension Activations {
  /// 1 ∕ x
  package struct Reciprocal: Activation {
    package static let name = "reciprocal"
    package var label: String { "1∕x" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { 1 / x }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { -1 / (x * x) }
  }
}

extension ScalarFunction {
  /// 1 ∕ x
  public static let reciprocal = ScalarFunction(Activations.Reciprocal())
}
