extension Activations {
  /// max(x, 0)
  package struct ReLU: Activation {
    package static let name = "relu"
    package var label: String { "ReLU" }

    @inline(__always)
    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { X.maximum(x, 0) }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.select(x.constant(1), where: x .> 0)
    }
  }
}

extension ScalarFunction {
  /// max(x, 0)
  public static let relu = ScalarFunction(Activations.ReLU())
}
