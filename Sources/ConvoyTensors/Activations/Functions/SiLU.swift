extension Activations {
  /// x · sigmoid(x), also called swish.
  package struct SiLU: Activation {
    package static let name = "silu"
    package var label: String { "SiLU" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x * x.gate() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      let s = x.sigmoid()
      return s * (1 - s).times(x, plus: 1)
    }
  }
}

extension ScalarFunction {
  /// x · sigmoid(x), also called swish.
  public static let silu = ScalarFunction(Activations.SiLU())
}
