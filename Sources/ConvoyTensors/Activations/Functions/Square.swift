extension Activations {
  /// x²
  package struct Square: Activation {
    package static let name = "square"
    package var label: String { "²" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x * x }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x + x }
  }
}

extension ScalarFunction {
  /// x²
  public static let square = ScalarFunction(Activations.Square())
}
