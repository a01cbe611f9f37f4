extension Activations {
  /// GELU by the hyperbolic tangent: x∕2 · (1 + tanh(√(2∕π)·(x + 0.044715·x³))).
  package struct ApproximateGELU: Activation {
    package static let name = "approximateGELU"
    package var label: String { "GELU tanh" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      x * doubleInner(x).sigmoid()
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      // Beyond ±40 the gate is 0 or 1, and its slope 0.
      let limited = x.limited(-40, 40)
      let inner = doubleInner(limited)
      let s = inner.sigmoid()
      let change = limited * s * (-inner).sigmoid()
      let slope = (limited * limited).times(0.214_064_448_817_800_8, plus: 1.595_769_121_605_730_8)
      return change.times(slope, plus: s)
    }

    /// 2·√(2∕π)·(x + 0.044715·x³), whose sigmoid is the gate.
    private static func doubleInner<X: FormulaNumber>(_ x: X) -> X {
      (x * x).times(0.071_354_816_272_600_25, plus: 1.595_769_121_605_730_8) * x
    }
  }
}

extension ScalarFunction {
  /// GELU by the hyperbolic tangent: x∕2 · (1 + tanh(√(2∕π)·(x + 0.044715·x³))).
  public static let approximateGELU = ScalarFunction(Activations.ApproximateGELU())
}
