extension Activations {
  /// x · clip(x + 3, 0, 6) ∕ 6. Source: Howard et al., "Searching for MobileNetV3", 2019.
  package struct HardSwish: Activation {
    package static let name = "hardSwish"
    package var label: String { "hard swish" }

    @inline(__always)
    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      // The gate of NaN may be a number: its product with x is NaN.
      let gate = X.minimum(X.maximum(x + 3, 0), 6)
      // Divided first: the product of large numbers would overflow.
      return x * (gate * (1 / 6))
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      let middle = (x + x + 3) * (1 / 6)
      let left = X.select(0, where: x .<= -3, else: middle)
      return X.select(1, where: x .> 3, else: left)
    }
  }
}

extension ScalarFunction {
  /// x · clip(x + 3, 0, 6) ∕ 6. Source: Howard et al., "Searching for MobileNetV3", 2019.
  public static let hardSwish = ScalarFunction(Activations.HardSwish())
}
