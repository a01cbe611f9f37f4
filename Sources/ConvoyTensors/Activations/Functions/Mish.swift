extension Activations {
  /// x · tanh(log(1 + eˣ)). Source: Misra, "Mish", 2019.
  package struct Mish: Activation {
    package static let name = "mish"
    package var label: String { "Mish" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      // With n = eˣ·(eˣ + 2) the hyperbolic tangent is n ∕ (n + 2), relative error below 1e-6.
      // Beyond 20 it is 1.
      let e = X.minimum(x, 20).exponential()
      let n = (e + 2) * e
      return x * (n / (n + 2))
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      // With the gate g = n ∕ (n + 2) as above, 1 − g² is 4·(n + 1) ∕ (n + 2)².
      let limited = X.minimum(x, 20)
      let e = limited.exponential()
      let n = (e + 2) * e
      let inverse = 1 / (n + 2)
      let square = (n + 1) * 4 * inverse * inverse
      let change = square * limited * x.sigmoid()
      return n.times(inverse, plus: change)
    }
  }
}

extension ScalarFunction {
  /// x · tanh(log(1 + eˣ)). Source: Misra, "Mish", 2019.
  public static let mish = ScalarFunction(Activations.Mish())
}
