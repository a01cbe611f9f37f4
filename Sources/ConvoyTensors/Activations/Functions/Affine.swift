extension Activations {
  /// scale·x + offset
  package struct Affine: Activation {
    package static let name = "affine"
    package var scale: Float
    package var offset: Float

    package var parameters: (Float, Float) { (scale, offset) }
    package var label: String { "\(scale)·x + \(offset)" }

    package static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X {
      x.times(p.0, plus: p.1)
    }

    package static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X { p.0 }
  }
}

extension ScalarFunction {
  /// scale·x + offset
  public static func affine(scale: Float, offset: Float) -> ScalarFunction {
    ScalarFunction(Activations.Affine(scale: scale, offset: offset))
  }
}
