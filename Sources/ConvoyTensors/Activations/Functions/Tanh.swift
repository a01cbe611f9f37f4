extension Activations {
  /// The hyperbolic tangent.
  package struct Tanh: Activation {
    package static let name = "tanh"
    package var label: String { "tanh" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.tanh() }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      let y = x.tanh()
      return y.times(y, from: 1)
    }
  }
}

extension ScalarFunction {
  /// The hyperbolic tangent.
  public static let tanh = ScalarFunction(Activations.Tanh())
}
