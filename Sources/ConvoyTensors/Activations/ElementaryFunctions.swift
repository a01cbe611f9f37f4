// Elementary functions by polynomials after range reduction, the same for lanes and for generated
// code. The error bounds were measured against Double over the whole range, and are asserted by
// tests. Results on different machines differ at most in the last bits, since fused multiply-adds
// round once and others twice (`times(_:plus:)`).

extension VectorNumber {
  /// 1.5·2²³: adding it rounds to a whole number, and leaves that in the low bits.
  @inline(__always)
  var rounder: Self { constant(12_582_912) }

  /// eˣ, relative error below 2e-7; 0 where the result would be denormal, below −87.3366.
  ///
  /// Cody and Waite's reduction by multiples of ln 2, then a polynomial of degree 6, of the Cephes
  /// library (S. Moshier).
  @inline(__always)
  package func exponential() -> Self {
    let shifted = times(1.442_695_04, plus: rounder)
    let n = shifted - rounder
    let r = n.times(2.121_944_4e-4, plus: n.times(0.693_359_375, from: self))
    // The product with 2ⁿ adds n to the exponent, which neither overflows nor becomes denormal.
    let product = r.exponentialSeries() &+ (shifted &<< 23)
    let result = Self.select(0, where: self .< -87.336_54, else: product)
    return Self.select(
      self + .infinity, where: isNotLessOrEqual(to: 88.722_83), else: result)
  }

  /// eʳ for |r| up to ½·ln 2.
  @inline(__always)
  func exponentialSeries() -> Self {
    let p = constant(1.987_569_15e-4)
      .times(self, plus: 1.398_199_95e-3)
      .times(self, plus: 8.333_451_9e-3)
      .times(self, plus: 4.166_579_6e-2)
      .times(self, plus: 1.666_666_55e-1)
      .times(self, plus: 5.000_000_1e-1)
    return p.times(squareOf: self, plus: self) + 1
  }

  /// The natural logarithm, relative error below 2e-7; −∞ of 0, NaN of negative numbers.
  ///
  /// A polynomial of degree 9 of the mantissa, of the Cephes library (S. Moshier).
  @inline(__always)
  package func logarithm() -> Self {
    let (exponent, f) = exponentAndMantissa()
    let tail = exponent.times(2.121_944_4e-4, from: f.logarithmSeries())
    let result = exponent.times(0.693_359_375, plus: f + tail)
    // Infinity and NaN are returned unchanged.
    let finite = Self.select(self, where: isNotLess(than: .infinity), else: result)
    let negative = Self.select(-.infinity, where: self .== 0, else: finite)
    return Self.select(.nan, where: self .< 0, else: negative)
  }

  /// e and f such that 2ᵉ·(1 + f) is self, a positive number, and 1 + f is in √½…√2, where the
  /// series of the logarithm is short.
  @inline(__always)
  func exponentAndMantissa() -> (exponent: Self, f: Self) {
    let isDenormal = self .< Double(Float.leastNormalMagnitude)
    let normal = Self.select(self * 0x1p23, where: isDenormal, else: self)
    let half = constant(bits: 0x3F35_04F3)
    let shifted = normal &- half
    let whole = ((shifted &>> 23) &+ rounder) - rounder
    let exponent = Self.select(whole - 23, where: isDenormal, else: whole)
    return (exponent, ((shifted & constant(bits: 0x007F_FFFF)) &+ half) - 1)
  }

  /// log(1 + f) − f.
  ///
  /// Not inlined: the compiler does not vectorise a caller that includes all of this code.
  @inline(never)
  private func logarithmSeries() -> Self {
    let (cube, z) = logarithmCube()
    return z.times(0.5, from: cube)
  }

  /// log(1 + f) − f + f² ∕ 2, and f².
  @inline(__always)
  func logarithmCube() -> (cube: Self, square: Self) {
    let p = constant(7.037_683_6e-2)
      .times(self, plus: -1.151_461e-1)
      .times(self, plus: 1.167_699_9e-1)
      .times(self, plus: -1.242_014_1e-1)
      .times(self, plus: 1.424_932_3e-1)
      .times(self, plus: -1.666_805_8e-1)
      .times(self, plus: 2.000_071_5e-1)
      .times(self, plus: -2.499_999_4e-1)
      .times(self, plus: 3.333_333_1e-1)
    let z = self * self
    return (p * self * z, z)
  }

  /// The hyperbolic tangent, relative error below 3e-7.
  ///
  /// An odd polynomial near 0, of the Cephes library (S. Moshier), and 1 − 2 ∕ (e²ˣ + 1) elsewhere.
  @inline(__always)
  package func tanh() -> Self {
    let far = 1 - 2 / ((self + self).exponential() + 1)
    let z = self * self
    let p = constant(-5.704_988_7e-3)
      .times(z, plus: 2.063_908_9e-2)
      .times(z, plus: -5.373_971_6e-2)
      .times(z, plus: 1.333_144_2e-1)
      .times(z, plus: -3.333_328_2e-1)
    let near = p.times(z * self, plus: self)
    return Self.select(far, where: absolute().isNotLess(than: 0.625), else: near)
  }

  /// 1 ∕ (1 + e⁻ˣ), absolute error below 3e-7: for products with x, which are as accurate as those
  /// with `sigmoid`, in half the time.
  ///
  /// ½ plus x times a rational function of x², fitted to the absolute error up to 16 by least
  /// squares, reweighted until the errors were level: 7e-8 before rounding. Beyond 16 it is within
  /// 2e-7 of 0 or 1.
  @inline(__always)
  package func gate() -> Self {
    let t = Self.minimum(Self.maximum(self, -16), 16)
    let z = t * t
    let p = constant(4.424_156e-8)
      .times(z, plus: 4.594_460_6e-5)
      .times(z, plus: 8.072_036e-3)
      .times(z, plus: 0.249_999_87)
    let q = constant(9.486_296e-10)
      .times(z, plus: 3.706_973_3e-6)
      .times(z, plus: 1.485_672_4e-3)
      .times(z, plus: 0.115_620_95)
      .times(z, plus: 1)
    return Self.select(0, where: self .< -16, else: (p / q).times(t, plus: 0.5))
  }

  /// Φ, the normal distribution's cumulative function, absolute error below 3e-7. Beyond 5.4 it is
  /// within 3e-8 of 0 or 1.
  @inline(__always)
  package func normalCDF() -> Self {
    let t = Self.minimum(Self.maximum(self, -5.4), 5.4)
    return Self.select(0, where: self .< -5.4, else: t.centredCDFOverX().times(t, plus: 0.5))
  }

  /// (Φ(x) − ½) ∕ x up to 5.4, a rational function of x².
  ///
  /// Fitted to Φ's absolute error by least squares, reweighted until the errors were level: 6e-9
  /// before rounding.
  @inline(__always)
  private func centredCDFOverX() -> Self {
    let z = self * self
    let p = constant(2.343_168e-8)
      .times(z, plus: 6.349_619e-6)
      .times(z, plus: 1.633_992e-4)
      .times(z, plus: 4.645_332_2e-3)
      .times(z, plus: 3.328_605_4e-2)
      .times(z, plus: 0.398_942_26)
    let q = constant(1.217_114_9e-6)
      .times(z, plus: 7.208_083_1e-5)
      .times(z, plus: 1.853_852_8e-3)
      .times(z, plus: 2.832_868_9e-2)
      .times(z, plus: 0.250_102_01)
      .times(z, plus: 1)
    return p / q
  }

  /// erf x, absolute error below 4e-7; a series near 0, where the relative error is small too,
  /// otherwise by Φ.
  @inline(__always)
  package func errorFunction() -> Self {
    let t = (self * 1.414_213_56).limited(-5.4, 5.4)
    let half = t.centredCDFOverX() * t
    let far = half + half
    let z = self * self
    let p = constant(-8.548_327e-4)
      .times(z, plus: 5.223_977_6e-3)
      .times(z, plus: -2.686_617_1e-2)
      .times(z, plus: 1.128_379_2e-1)
      .times(z, plus: -3.761_263_9e-1)
      .times(z, plus: 1.128_379_2)
    return Self.select(far, where: absolute().isNotLess(than: 0.5), else: self * p)
  }
}
