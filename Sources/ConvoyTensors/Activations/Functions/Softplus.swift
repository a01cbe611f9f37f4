extension Activations {
  /// log(1 + eˣ)
  package struct Softplus: Activation {
    package static let name = "softplus"
    package var label: String { "softplus" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.maximum(x, 0) + (-x.absolute()).exponential().logarithmOfOnePlus()
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.sigmoid() }
  }
}

extension ScalarFunction {
  /// log(1 + eˣ)
  public static let softplus = ScalarFunction(Activations.Softplus())
}
