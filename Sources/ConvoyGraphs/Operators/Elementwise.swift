public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A function of one number, with its derivative: a row of the table of activations.
///
/// Kernels switch over the cases; this is what they are tested against.
public enum ScalarFunction: Hashable, Sendable, Codable {
  /// max(x, 0)
  case relu
  /// x limited to a range; ReLU6 is `clip(0, 6)`.
  case clip(low: Float, high: Float)
  /// x where positive, else slope·x.
  case leakyReLU(slope: Float)
  /// 1 ∕ (1 + e⁻ˣ)
  case sigmoid
  /// The hyperbolic tangent.
  case tanh
  /// slope·x + offset limited to 0…1; MobileNet v3 and ONNX's HardSwish have slope 1⁄6, offset ½.
  case hardSigmoid(slope: Float, offset: Float)
  /// x · clip(x + 3, 0, 6) ∕ 6. Source: Howard et al., "Searching for MobileNetV3", 2019.
  case hardSwish
  /// x · sigmoid(x), also called swish.
  case silu
  /// x · Φ(x), by the error function. Source: Hendrycks and Gimpel, 2016.
  case gelu
  /// eˣ
  case exponential
  /// The natural logarithm.
  case logarithm
  /// √x
  case squareRoot
  /// x²
  case square
  /// |x|
  case magnitude
  /// 1 ∕ x
  case reciprocal
  /// scale·x + offset
  case affine(scale: Float, offset: Float)
  /// 1 where positive, else 0.
  case step

  /// f(x).
  public func callAsFunction(_ x: Double) -> Double {
    switch self {
    case .relu: return x > 0 ? x : 0
    case .clip(let low, let high): return min(max(x, Double(low)), Double(high))
    case .leakyReLU(let slope): return x > 0 ? x : Double(slope) * x
    case .sigmoid: return 1 / (1 + exp(-x))
    case .tanh: return _tanh(x)
    case .hardSigmoid(let slope, let offset):
      return min(max(Double(slope) * x + Double(offset), 0), 1)
    case .hardSwish: return x * min(max(x + 3, 0), 6) / 6
    case .silu: return x / (1 + exp(-x))
    case .gelu: return x * ScalarFunction.normalCDF(x)
    case .exponential: return exp(x)
    case .logarithm: return log(x)
    case .squareRoot: return x.squareRoot()
    case .square: return x * x
    case .magnitude: return abs(x)
    case .reciprocal: return 1 / x
    case .affine(let scale, let offset): return Double(scale) * x + Double(offset)
    case .step: return x > 0 ? 1 : 0
    }
  }

  /// f′(x); at a kink, the derivative from the left.
  public func derivative(_ x: Double) -> Double {
    switch self {
    case .relu: return x > 0 ? 1 : 0
    case .clip(let low, let high): return x > Double(low) && x <= Double(high) ? 1 : 0
    case .leakyReLU(let slope): return x > 0 ? 1 : Double(slope)
    case .sigmoid:
      let y = self(x)
      return y * (1 - y)
    case .tanh:
      let y = self(x)
      return 1 - y * y
    case .hardSigmoid(let slope, let offset):
      let inner = Double(slope) * x + Double(offset)
      return inner > 0 && inner <= 1 ? Double(slope) : 0
    case .hardSwish: return x <= -3 ? 0 : x <= 3 ? (2 * x + 3) / 6 : 1
    case .silu:
      let s = 1 / (1 + exp(-x))
      return s * (1 + x * (1 - s))
    case .gelu:
      let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      return ScalarFunction.normalCDF(x) + x * density
    case .exponential: return exp(x)
    case .logarithm: return 1 / x
    case .squareRoot: return 0.5 / x.squareRoot()
    case .square: return 2 * x
    case .magnitude: return x > 0 ? 1 : -1
    case .reciprocal: return -1 / (x * x)
    case .affine(let scale, _): return Double(scale)
    case .step: return 0
    }
  }

  /// Φ, the normal distribution's cumulative function.
  static func normalCDF(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// A word for pictures and tables.
  public var label: String {
    switch self {
    case .relu: "ReLU"
    case .clip(let low, let high): low == 0 && high == 6 ? "ReLU6" : "clip \(low)…\(high)"
    case .leakyReLU: "leaky ReLU"
    case .sigmoid: "sigmoid"
    case .tanh: "tanh"
    case .hardSigmoid: "hard sigmoid"
    case .hardSwish: "hard swish"
    case .silu: "SiLU"
    case .gelu: "GELU"
    case .exponential: "exp"
    case .logarithm: "log"
    case .squareRoot: "√"
    case .square: "²"
    case .magnitude: "| |"
    case .reciprocal: "1∕x"
    case .affine(let scale, let offset): "\(scale)·x + \(offset)"
    case .step: "step"
    }
  }
}

private func _tanh(_ x: Double) -> Double { tanh(x) }

// MARK: - Elementwise

/// A function of one number, applied to every element.
///
/// Input: a tensor of any shape. Output: the same shape.
public struct Elementwise: Operator {
  /// See `Operator.name`.
  public static let name = "elementwise"
  /// Which function.
  public var function: ScalarFunction

  /// Applies a function.
  public init(_ function: ScalarFunction) { self.function = function }

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    if case .clip(let low, let high) = function, !(low <= high) {
      throw ConvoyError(
        .attribute, "expected a clip's lower bound not above its upper, got \(low) and \(high)")
    }
    return inputs
  }

  /// f′(x) times what comes in.
  public func gradients(at site: GradientSite) -> [Value?] {
    if function == .step { return [nil] }
    let gradient = ElementwiseGradient(function)
    return [site.inputs[0].applying(gradient, [site.outputGradient])]
  }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    [ReferenceTensor(outputs[0], inputs[0].elements.map { function($0) })]
  }

  /// The function's label.
  public var glyph: Glyph { Glyph(function.label, .elementwise) }
}

// MARK: - ElementwiseGradient

/// The gradient of `Elementwise`.
///
/// Inputs: x and the gradient g, of one shape. Output: g·f′(x).
public struct ElementwiseGradient: Operator {
  /// See `Operator.name`.
  public static let name = "elementwiseGradient"
  /// The function differentiated.
  public var function: ScalarFunction

  /// The gradient of a function.
  public init(_ function: ScalarFunction) { self.function = function }

  /// The shape of both.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    guard inputs[0] == inputs[1] else {
      throw ConvoyError(.shape, "expected two equal shapes, got \(inputs[0]) and \(inputs[1])")
    }
    return [inputs[0]]
  }

  /// Once only: second derivatives of activations are not kept in the table.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let products = zip(inputs[0].elements, inputs[1].elements).map {
      function.derivative($0) * $1
    }
    return [ReferenceTensor(outputs[0], products)]
  }

  /// The function's label with a prime.
  public var glyph: Glyph { Glyph("\(function.label)′", .elementwise) }
}

// MARK: - Building

extension Value {
  /// Applies a function to every element.
  public func applying(_ function: ScalarFunction) -> Value { applying(Elementwise(function)) }

  /// max(x, 0)
  public func relu() -> Value { applying(.relu) }
  /// x limited to 0…6.
  public func relu6() -> Value { applying(.clip(low: 0, high: 6)) }
  /// x limited to a range.
  public func clipped(to range: ClosedRange<Float>) -> Value {
    applying(.clip(low: range.lowerBound, high: range.upperBound))
  }
  /// x where positive, else slope·x.
  public func leakyReLU(slope: Float = 0.01) -> Value { applying(.leakyReLU(slope: slope)) }
  /// 1 ∕ (1 + e⁻ˣ)
  public func sigmoid() -> Value { applying(.sigmoid) }
  /// The hyperbolic tangent.
  public func tanh() -> Value { applying(.tanh) }
  /// x ∕ 6 + ½ limited to 0…1.
  public func hardSigmoid() -> Value { applying(.hardSigmoid(slope: 1 / 6, offset: 0.5)) }
  /// x · clip(x + 3, 0, 6) ∕ 6
  public func hardSwish() -> Value { applying(.hardSwish) }
  /// x · sigmoid(x)
  public func silu() -> Value { applying(.silu) }
  /// x · Φ(x)
  public func gelu() -> Value { applying(.gelu) }
  /// eˣ
  public func exponential() -> Value { applying(.exponential) }
  /// The natural logarithm.
  public func logarithm() -> Value { applying(.logarithm) }
  /// √x
  public func squareRoot() -> Value { applying(.squareRoot) }
  /// scale·x + offset
  public func scaled(by scale: Float, offset: Float = 0) -> Value {
    applying(.affine(scale: scale, offset: offset))
  }
  /// −x
  public static prefix func - (x: Value) -> Value { x.scaled(by: -1) }
}
