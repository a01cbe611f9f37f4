public import ConvoyTensors

extension ScalarFunction {
  /// The function of 16 numbers at once.
  @inline(__always)
  func lanes(_ x: Lanes) -> Lanes {
    switch self {
    case .relu: return x.wherePositive(x, else: .zero)
    case .clip(let low, let high):
      return x.limited(low: low, high: high)
    case .leakyReLU(let slope): return x.wherePositive(x, else: x * slope)
    case .sigmoid: return LaneMath.sigmoid(x)
    case .tanh: return LaneMath.tanh(x)
    case .hardSigmoid(let slope, let offset):
      return (x * slope + offset).limited(low: 0, high: 1)
    case .hardSwish:
      let gate = (x + 3).limited(low: 0, high: 6)
      // Divided first: the product of large numbers would overflow.
      return x * (gate * (1 / 6 as Float))
    case .silu: return x * LaneMath.gate(x)
    case .gelu: return x * LaneMath.normalCDF(x)
    case .exponential: return LaneMath.exp(x)
    case .logarithm: return LaneMath.log(x)
    case .squareRoot: return LaneMath.squareRoot(x)
    case .square: return x * x
    case .magnitude: return x.magnitude
    case .reciprocal: return 1 / x
    case .affine(let scale, let offset): return x * scale + offset
    case .step: return x.wherePositive(.one, else: .zero)
    case .errorFunction: return LaneMath.errorFunction(x)
    case .softplus:
      return x.wherePositive(x, else: .zero) + LaneMath.log(1 + LaneMath.exp(-x.magnitude))
    case .softsign: return x / (1 + x.magnitude)
    case .elu(let alpha): return x.wherePositive(x, else: (LaneMath.exp(x) - 1) * alpha)
    case .mish: return x * LaneMath.softplusTanh(x)
    case .approximateGELU: return x * LaneMath.sigmoid(x.doubleInnerGELU)
    case .power(let exponent): return LaneMath.power(x, Lanes(repeating: exponent))
    }
  }

  /// The derivative at 16 numbers at once; at a kink, that from the left.
  @inline(__always)
  func derivative(_ x: Lanes) -> Lanes {
    switch self {
    case .relu: return x.wherePositive(.one, else: .zero)
    case .clip(let low, let high):
      return Lanes.zero.replacing(with: 1, where: (x .> low) .& (x .<= high))
    case .leakyReLU(let slope): return x.wherePositive(.one, else: Lanes(repeating: slope))
    case .sigmoid:
      let y = LaneMath.sigmoid(x)
      return y * (1 - y)
    case .tanh:
      let y = LaneMath.tanh(x)
      return 1 - y * y
    case .hardSigmoid(let slope, let offset):
      let inner = x * slope + offset
      return Lanes.zero.replacing(with: slope, where: (inner .> 0) .& (inner .<= 1))
    case .hardSwish:
      let middle = (2 * x + 3) * (1 / 6 as Float)
      return middle.replacing(with: 0, where: x .<= -3).replacing(with: 1, where: x .> 3)
    case .silu:
      let s = LaneMath.sigmoid(x)
      return s * (1 + x * (1 - s))
    case .gelu:
      let density = LaneMath.exp(x * x * -0.5) * 0.398_942_28
      return LaneMath.normalCDF(x) + x * density
    case .exponential: return LaneMath.exp(x)
    case .logarithm: return 1 / x
    case .squareRoot: return 0.5 / LaneMath.squareRoot(x)
    case .square: return 2 * x
    case .magnitude: return x.wherePositive(.one, else: Lanes(repeating: -1))
    case .reciprocal: return -1 / (x * x)
    case .affine(let scale, _): return Lanes(repeating: scale)
    case .step: return .zero
    case .errorFunction: return LaneMath.exp(-x * x) * 1.128_379_2
    case .softplus: return LaneMath.sigmoid(x)
    case .softsign: return 1 / ((1 + x.magnitude) * (1 + x.magnitude))
    case .elu(let alpha): return x.wherePositive(.one, else: LaneMath.exp(x) * alpha)
    case .mish:
      // With g = n ∕ (n + 2) as in `softplusTanh`, 1 − g² is 4·(n + 1) ∕ (n + 2)²; beyond 20 it is 0.
      let limited = x.replacing(with: 20, where: x .> 20)
      let e = LaneMath.exp(limited)
      let n = e * (e + 2)
      let inverse = 1 / (n + 2)
      let slope = 4 * (n + 1) * inverse * inverse
      return n * inverse + limited * slope * LaneMath.sigmoid(x)
    case .approximateGELU:
      // Beyond ±40 the gate is 0 or 1, and its slope 0.
      let limited = x.limited(low: -40, high: 40)
      let inner = limited.doubleInnerGELU
      let s = LaneMath.sigmoid(inner)
      let slope = limited * limited * 0.214_064_5 + 1.595_769_1
      return s + limited * s * LaneMath.sigmoid(-inner) * slope
    case .power(let exponent):
      return LaneMath.power(x, Lanes(repeating: exponent - 1)) * exponent
    }
  }
}

extension Lanes {
  /// 2·√(2∕π)·(x + 0.044715·x³), whose sigmoid is the gate of the approximate GELU.
  @inline(__always)
  fileprivate var doubleInnerGELU: Lanes { self * (self * self * 0.071_354_82 + 1.595_769_1) }
}

/// What a convolution does to each sum before it writes it, in place of a kernel of its own.
public struct Tail: Hashable, Sendable {
  /// The function applied, if any.
  public var function: ScalarFunction?

  /// Describes a tail.
  public init(_ function: ScalarFunction? = nil) { self.function = function }

  /// Whether generated kernels can apply it; else only portable ones, or a kernel of its own.
  public var isGenerated: Bool { TileTail(self) != nil }

  @inline(__always)
  func callAsFunction(_ x: Lanes) -> Lanes { function?.lanes(x) ?? x }
}
