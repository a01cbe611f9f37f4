extension Activations {
  /// x ∕ (1 + |x|)
  package struct Softsign: Activation {
    package static let name = "softsign"
    package var label: String { "softsign" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x / (1 + x.absolute()) }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      let size = 1 + x.absolute()
      return 1 / (size * size)
    }
  }
}

extension ScalarFunction {
  /// x ∕ (1 + |x|)
  public static let softsign = ScalarFunction(Activations.Softsign())
}
