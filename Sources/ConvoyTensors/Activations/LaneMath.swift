/// Elementary functions of 16 numbers for kernels: those of `VectorNumber`, and others that no
/// activation uses.
package enum LaneMath {
  /// eˣ: see `VectorNumber.exponential`.
  package static func exp(_ x: SIMD16<Float>) -> SIMD16<Float> { LaneNumber(x).exponential().value }

  /// The natural logarithm: see `VectorNumber.logarithm`.
  package static func log(_ x: SIMD16<Float>) -> SIMD16<Float> { LaneNumber(x).logarithm().value }

  /// The square root, correctly rounded.
  package static func squareRoot(_ x: SIMD16<Float>) -> SIMD16<Float> {
    LaneNumber(x).squareRoot().value
  }

  /// 1 ∕ √x for positive normal x, relative error below 3e-7; for infinity, the result is that for
  /// the largest number.
  ///
  /// An estimate from the halved exponent, with a relative error of 3.5 %, and three Newton steps,
  /// each of which doubles the number of correct digits. The compiler would compute roots and
  /// divisions one lane at a time.
  package static func inverseSquareRoot(_ x: SIMD16<Float>) -> SIMD16<Float> {
    let finite = x.replacing(
      with: .greatestFiniteMagnitude, where: x .> .greatestFiniteMagnitude)
    let bits = unsafeBitCast(finite, to: SIMD16<Int32>.self)
    let half = finite * 0.5
    var y = unsafeBitCast(
      SIMD16(repeating: 0x5F37_59DF) &- (bits &>> 1), to: SIMD16<Float>.self)
    y *= 1.5 - half * y * y
    y *= 1.5 - half * y * y
    y *= 1.5 - half * y * y
    return y
  }

  /// x to a power for all bases and exponents: slow, by the C library, except for squares.
  package static func power(_ x: SIMD16<Float>, _ exponent: SIMD16<Float>) -> SIMD16<Float> {
    LaneNumber(x).power(LaneNumber(exponent)).value
  }
}
