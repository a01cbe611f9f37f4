extension Activations {
  /// 1 ∕ (1 + e⁻ˣ)
  package struct Sigmoid: Activation {
    package static let name = "sigmoid"
    package var label: String { "sigmoid" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.sigmoid() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      let y = x.sigmoid()
      return y * (1 - y)
    }
  }
}

extension ScalarFunction {
  /// 1 ∕ (1 + e⁻ˣ)
  public static let sigmoid = ScalarFunction(Activations.Sigmoid())
}
