extension Activations {
  /// 1 where positive, else 0.
  package struct Step: Activation {
    package static let name = "step"
    package var label: String { "step" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.select(x.constant(1), where: x .> 0)
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.constant(0) }
  }
}

extension ScalarFunction {
  /// 1 where positive, else 0.
  public static let step = ScalarFunction(Activations.Step())
}
