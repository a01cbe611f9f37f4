/// A half-precision number, IEEE 754 binary16, stored as its bits.
///
/// The standard library's `Float16` does not exist on Intel Macs. This type exists on all
/// platforms, and supports only conversions.
public struct Half: Hashable, Sendable, BitwiseCopyable {
  /// Sign, 5 bits of exponent, 10 of fraction.
  public var bits: UInt16

  /// The number with these bits.
  public init(bits: UInt16) { self.bits = bits }
}

/// A bfloat16 number, the upper half of a 32-bit float, stored as its bits.
public struct BFloat16: Hashable, Sendable, BitwiseCopyable {
  /// Sign, 8 bits of exponent, 7 of fraction.
  public var bits: UInt16

  /// The number with these bits.
  public init(bits: UInt16) { self.bits = bits }
}

extension Float {
  /// The value of a half-precision number; exact.
  public init(_ half: Half) {
    let sign = UInt32(half.bits & 0x8000) << 16
    let exponent = UInt32(half.bits >> 10 & 0x1F)
    let fraction = UInt32(half.bits & 0x3FF)
    switch exponent {
    case 0:  // zero and the subnormal numbers, multiples of 2⁻²⁴
      let magnitude = Float(fraction) * 0x1p-24
      self = sign == 0 ? magnitude : -magnitude
    case 0x1F:  // infinity and NaN
      self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default:
      self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The value of a bfloat16 number; exact.
  public init(_ number: BFloat16) { self.init(bitPattern: UInt32(number.bits) << 16) }
}

extension Half: TensorElement {
  /// `float16`.
  public static var type: ElementType { .float16 }
  /// The nearest number, ties to even.
  public init(converting value: Double) {
    bits = value.roundedBits(exponentBits: 5, fractionBits: 10)
  }
  /// The nearest number, ties to even.
  public init(converting value: Int64) { self.init(converting: Double(roundingToOdd: value)) }
  /// The nearest number, ties to even.
  public init(converting value: UInt64) { self.init(converting: Double(roundingToOdd: value)) }
  /// See `TensorElement`.
  public func converted<Target: TensorElement>(to type: Target.Type) -> Target {
    Target(converting: Double(Float(self)))
  }
}

extension BFloat16: TensorElement {
  /// `bfloat16`.
  public static var type: ElementType { .bfloat16 }
  /// The nearest number, ties to even.
  public init(converting value: Double) {
    bits = value.roundedBits(exponentBits: 8, fractionBits: 7)
  }
  /// The nearest number, ties to even.
  public init(converting value: Int64) { self.init(converting: Double(roundingToOdd: value)) }
  /// The nearest number, ties to even.
  public init(converting value: UInt64) { self.init(converting: Double(roundingToOdd: value)) }
  /// See `TensorElement`.
  public func converted<Target: TensorElement>(to type: Target.Type) -> Target {
    Target(converting: Double(Float(self)))
  }
}

extension Half: CustomStringConvertible {
  /// The description of the float with this value.
  public var description: String { "\(Float(self))" }
}

extension BFloat16: CustomStringConvertible {
  /// The description of the float with this value.
  public var description: String { "\(Float(self))" }
}

// MARK: - Rounding

extension Double {
  /// The bits of the nearest number of a format of at most 16 bits, ties to even: sign, exponent,
  /// fraction.
  ///
  /// Rounding to a 32-bit float first would round twice.
  fileprivate func roundedBits(exponentBits: Int, fractionBits: Int) -> UInt16 {
    let signBit: UInt16 = sign == .minus ? 0x8000 : 0
    let infinity = UInt16(1 << exponentBits - 1) << UInt16(fractionBits)
    if isNaN { return signBit | infinity | 1 << UInt16(fractionBits - 1) }
    let bias = 1 << (exponentBits - 1) - 1
    // The spacing of the format's numbers around this one; below the normal numbers it is constant.
    let exponent = Swift.max(isZero || isSubnormal ? -1075 : Int(self.exponent), 1 - bias)
    let spacing = Double(sign: .plus, exponent: exponent - fractionBits, significand: 1)
    let steps = (magnitude / spacing).rounded(.toNearestOrEven)
    guard magnitude.isFinite, exponent <= bias else { return signBit | infinity }
    // A carry out of the fraction correctly increments the exponent, up to infinity.
    let number =
      steps < Double(1 << fractionBits)
      ? Int(steps) : (exponent + bias - 1) << fractionBits + Int(steps)
    return signBit | UInt16(number)
  }

  /// An integer as a double whose last bit is set if bits were lost, so that rounding it again
  /// gives the correctly rounded integer.
  fileprivate init(roundingToOdd value: UInt64) {
    guard value >> 53 != 0 else {
      self.init(value)
      return
    }
    let lost: UInt64 = 0x7FF
    self.init(value & lost == 0 ? value : value & ~lost | (lost + 1))
  }

  /// See the other.
  fileprivate init(roundingToOdd value: Int64) {
    let magnitude = Double(roundingToOdd: value.magnitude)
    self = value < 0 ? -magnitude : magnitude
  }
}
