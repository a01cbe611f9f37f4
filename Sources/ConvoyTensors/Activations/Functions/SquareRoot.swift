extension Activations {
  /// √x
  package struct SquareRoot: Activation {
    package static let name = "squareRoot"
    package var label: String { "√" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.squareRoot() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      0.5 / x.squareRoot()
    }
  }
}

extension ScalarFunction {
  /// √x
  public static let squareRoot = ScalarFunction(Activations.SquareRoot())
}
