extension Activations {
  /// x limited to a range; ReLU6 is `clip(0, 6)`.
  package struct Clip: Activation {
    package static let name = "clip"
    package var low: Float
    package var high: Float

    package var parameters: (Float, Float) { (low, high) }
    package var label: String {
      low == 0 && high == 6 ? "ReLU6" : "clip \(low)…\(high)"
    }

    package func validate() throws(ConvoyError) {
      guard low <= high else {
        throw ConvoyError(
          .attribute,
          "expected a clip's lower bound not above its upper, got \(low) and \(high)")
      }
    }

    @inline(__always)
    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { x.limited(p.0, p.1) }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      X.select(x.constant(1), where: X.both(x .> p.0, x .<= p.1))
    }
  }
}

extension ScalarFunction {
  /// x limited to a range; ReLU6 is `clip(0, 6)`.
  public static func clip(low: Float, high: Float) -> ScalarFunction {
    ScalarFunction(Activations.Clip(low: low, high: high))
  }
}
