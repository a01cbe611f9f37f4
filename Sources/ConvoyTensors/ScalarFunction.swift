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
  /// erf x = 2∕√π · ∫₀ˣ e^−t² dt
  case errorFunction
  /// log(1 + eˣ)
  case softplus
  /// x ∕ (1 + |x|)
  case softsign
  /// x where positive, else alpha·(eˣ − 1). Source: Clevert et al., 2015.
  case elu(alpha: Float)
  /// x · tanh(log(1 + eˣ)). Source: Misra, "Mish", 2019.
  case mish
  /// GELU by the hyperbolic tangent: x∕2 · (1 + tanh(√(2∕π)·(x + 0.044715·x³))).
  case approximateGELU
  /// x to a constant power.
  case power(exponent: Float)

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
    case .errorFunction: return erf(x)
    case .softplus: return max(x, 0) + log1p(exp(-abs(x)))
    case .softsign: return x / (1 + abs(x))
    case .elu(let alpha): return x > 0 ? x : Double(alpha) * expm1(x)
    case .mish: return x * _tanh(ScalarFunction.softplus(x))
    case .approximateGELU: return x / (1 + exp(-2 * ScalarFunction.innerGELU(x)))
    case .power(let exponent): return pow(x, Double(exponent))
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
    case .hardSwish: return x <= -3 ? 0 : x > 3 ? 1 : (2 * x + 3) / 6
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
    case .errorFunction: return 2 / Double.pi.squareRoot() * exp(-x * x)
    case .softplus: return 1 / (1 + exp(-x))
    case .softsign: return 1 / ((1 + abs(x)) * (1 + abs(x)))
    case .elu(let alpha): return x > 0 ? 1 : Double(alpha) * exp(x)
    case .mish:
      let gate = _tanh(ScalarFunction.softplus(x))
      // Beyond 40 the gate is 1, and its slope 0.
      return gate + min(x, 40) * (1 - gate * gate) / (1 + exp(-x))
    case .approximateGELU:
      // Beyond ±40 the gate is 0 or 1, and its slope 0.
      let limited = min(max(x, -40), 40)
      let s = 1 / (1 + exp(-2 * ScalarFunction.innerGELU(limited)))
      let slope = 2 * (2 / Double.pi).squareRoot() * (1 + 3 * 0.044715 * limited * limited)
      return s + limited * s * (1 - s) * slope
    case .power(let exponent): return Double(exponent) * pow(x, Double(exponent) - 1)
    }
  }

  /// Φ, the normal distribution's cumulative function.
  static func normalCDF(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// √(2∕π)·(x + 0.044715·x³)
  private static func innerGELU(_ x: Double) -> Double {
    (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
  }

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
    case .errorFunction: "erf"
    case .softplus: "softplus"
    case .softsign: "softsign"
    case .elu: "ELU"
    case .mish: "Mish"
    case .approximateGELU: "GELU tanh"
    case .power(let exponent): "^\(exponent)"
    }
  }
}

private func _tanh(_ x: Double) -> Double { tanh(x) }
