extension Activations {
  /// x · Φ(x), by the error function. Source: Hendrycks and Gimpel, 2016.
  package struct GELU: Activation {
    package static let name = "gelu"
    package var label: String { "GELU" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x * x.normalCDF() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      let distribution = x.normalCDF()
      // e^(−x² ∕ 2) ∕ √2π
      let density = (x * x * -0.5).exponential() * 0.398_942_280_401_432_7
      return x.times(density, plus: distribution)
    }
  }
}

extension ScalarFunction {
  /// x · Φ(x), by the error function. Source: Hendrycks and Gimpel, 2016.
  public static let gelu = ScalarFunction(Activations.GELU())
}
