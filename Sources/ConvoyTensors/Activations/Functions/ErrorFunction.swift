extension Activations {
  /// erf x = 2∕√π · ∫₀ˣ e^−t² dt
  package struct ErrorFunction: Activation {
    package static let name = "errorFunction"
    package var label: String { "erf" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.errorFunction() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      (-(x * x)).exponential() * 1.128_379_167_095_512_6
    }
  }
}

extension ScalarFunction {
  /// erf x = 2∕√π · ∫₀ˣ e^−t² dt
  public static let errorFunction = ScalarFunction(Activations.ErrorFunction())
}
