extension Float {
  /// The value of an IEEE 754 half-precision number, from its bits. Written out because the standard
  /// library has no `Float16` on Intel Macs.
  package init(halfPrecision bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1F)
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:  // zero and the subnormal numbers, multiples of 2⁻²⁴
      let magnitude = Float(fraction) * 0x1p-24
      self = sign == 0 ? magnitude : -magnitude
    case 0x1F:  // infinity and what is not a number
      self.init(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default:
      self.init(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The value of a bfloat16 number: a float whose lower half is zero.
  package init(upperHalf bits: UInt16) { self.init(bitPattern: UInt32(bits) << 16) }
}
