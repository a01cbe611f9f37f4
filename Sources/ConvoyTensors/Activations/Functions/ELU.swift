extension Activations {
  /// x where positive, else alpha·(eˣ − 1). Source: Clevert et al., 2015.
  package struct ELU: Activation {
    package static let name = "elu"
    package var alpha: Float

    package var parameters: (Float, Float) { (alpha, 0) }
    package var label: String { "ELU" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.select(x, where: x .> 0, else: x.exponentialMinusOne() * p.0)
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.select(x.constant(1), where: x .> 0, else: x.exponential() * p.0)
    }
  }
}

extension ScalarFunction {
  /// x where positive, else alpha·(eˣ − 1). Source: Clevert et al., 2015.
  public static func elu(alpha: Float) -> ScalarFunction {
    ScalarFunction(Activations.ELU(alpha: alpha))
  }
}
