public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// MARK: Attributes

/// A function of one number that is no activation, applied to every element.
///
/// Input: a tensor of 32-bit floats, or of integers where the result is one. Output: the same shape
/// and type. Functions of floats are computed in Double, and rounded.
public struct ScalarMap: TypedOperator {
  /// The function of a number.
  public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
    /// −x; integers wrap around.
    case negation
    /// |x|; integers wrap around.
    case magnitude
    /// −1, 0 or 1; NaN is kept.
    case sign
    /// The largest integer not above x.
    case floor
    /// The smallest integer not below x.
    case ceiling
    /// The nearest integer; the even one of two.
    case round
    /// The sine.
    case sine
    /// The cosine.
    case cosine
    /// The tangent.
    case tangent
    /// The inverse of the sine.
    case arcsine
    /// The inverse of the cosine.
    case arccosine
    /// The inverse of the tangent.
    case arctangent
    /// The hyperbolic sine.
    case hyperbolicSine
    /// The hyperbolic cosine.
    case hyperbolicCosine
    /// The inverse of the hyperbolic sine.
    case inverseHyperbolicSine
    /// The inverse of the hyperbolic cosine.
    case inverseHyperbolicCosine
    /// The inverse of the hyperbolic tangent.
    case inverseHyperbolicTangent

    /// The name in formulas.
    var symbol: String {
      switch self {
      case .negation: "−"
      case .magnitude: "abs"
      case .sign: "sign"
      case .floor: "floor"
      case .ceiling: "ceil"
      case .round: "round"
      case .sine: "sin"
      case .cosine: "cos"
      case .tangent: "tan"
      case .arcsine: "asin"
      case .arccosine: "acos"
      case .arctangent: "atan"
      case .hyperbolicSine: "sinh"
      case .hyperbolicCosine: "cosh"
      case .inverseHyperbolicSine: "asinh"
      case .inverseHyperbolicCosine: "acosh"
      case .inverseHyperbolicTangent: "atanh"
      }
    }

    /// The function of a float.
    fileprivate var ofFloat: (Double) -> Double {
      switch self {
      case .negation: { -$0 }
      case .magnitude: { $0.magnitude }
      case .sign: { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }
      case .floor: { $0.rounded(.down) }
      case .ceiling: { $0.rounded(.up) }
      case .round: { $0.rounded(.toNearestOrEven) }
      case .sine: sin
      case .cosine: cos
      case .tangent: tan
      case .arcsine: asin
      case .arccosine: acos
      case .arctangent: atan
      case .hyperbolicSine: sinh
      case .hyperbolicCosine: cosh
      case .inverseHyperbolicSine: asinh
      case .inverseHyperbolicCosine: acosh
      case .inverseHyperbolicTangent: atanh
      }
    }

    /// The function of an integer.
    @inline(__always)
    fileprivate func ofInteger<Number: NumberElement>(_ x: Number) -> Number {
      switch self {
      case .negation: Number.difference(0, x)
      case .magnitude: x < 0 ? Number.difference(0, x) : x
      case .sign: x > 0 ? 1 : x < 0 ? Number.difference(0, 1) : 0
      default: x
      }
    }

    fileprivate var takesIntegers: Bool {
      switch self {
      case .negation, .magnitude, .sign: true
      default: false
      }
    }
  }

  /// See `Operator.name`.
  public static let name = "scalarMap"
  /// The function.
  public var function: Function

  /// Applies a function.
  public init(_ function: Function) { self.function = function }

  // MARK: Shape and type

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    return inputs
  }

  /// 32-bit floats; integers where the result is one.
  public var types: TypeRule { function.takesIntegers ? .kept(.numbers) : .float32 }

  // MARK: Gradient

  /// The derivative times the output's gradient; none for integers, and for functions that
  /// are constant in pieces.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (x, g) = (site.inputs[0], site.outputGradient)
    guard x.type == .float32 else { return [nil] }
    func map(_ function: Function) -> Value { x.applying(ScalarMap(function)) }
    func square(offset: Float = 0, scale: Float = 1) -> Value {
      x.applying(.square).scaled(by: scale, offset: offset)
    }
    switch function {
    case .sign, .floor, .ceiling, .round: return [nil]
    case .negation: return [-g]
    case .magnitude: return [g * map(.sign)]
    case .sine: return [g * map(.cosine)]
    case .cosine: return [-(g * map(.sine))]
    case .tangent: return [g * site.outputs[0].applying(.square).scaled(by: 1, offset: 1)]
    case .arcsine: return [g / square(offset: 1, scale: -1).squareRoot()]
    case .arccosine: return [-(g / square(offset: 1, scale: -1).squareRoot())]
    case .arctangent: return [g / square(offset: 1)]
    case .hyperbolicSine: return [g * map(.hyperbolicCosine)]
    case .hyperbolicCosine: return [g * map(.hyperbolicSine)]
    case .inverseHyperbolicSine: return [g / square(offset: 1).squareRoot()]
    case .inverseHyperbolicCosine: return [g / square(offset: -1).squareRoot()]
    case .inverseHyperbolicTangent: return [g / square(offset: 1, scale: -1)]
    }
  }

  // MARK: Definition

  /// One loop.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [inputs[0].type.applyToNumber(Loop(function: function, input: inputs[0]))]
  }

  private struct Loop: NumberFunction {
    let function: Function
    let input: Tensor

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      let elements = input.known(as: type)
      guard input.type.isFloating else {
        return Tensor(known: input.shape, elements.map { function.ofInteger($0) })
      }
      let ofFloat = function.ofFloat
      return Tensor(
        known: input.shape,
        elements.map { Number(converting: ofFloat($0.converted(to: Double.self))) })
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Element by element.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// The function's name.
  public var glyph: Glyph { Glyph(function.symbol, .elementwise) }
}
