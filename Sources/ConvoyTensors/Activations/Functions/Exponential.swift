extension Activations {
  /// eˣ
  package struct Exponential: Activation {
    package static let name = "exponential"
    package var label: String { "exp" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.exponential() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.exponential() }
  }
}

extension ScalarFunction {
  /// eˣ
  public static let exponential = ScalarFunction(Activations.Exponential())
}
