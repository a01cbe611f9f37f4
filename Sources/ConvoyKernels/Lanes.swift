import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The 16 channels of a pixel. Without compiler flags this is four SSE or NEON registers.
typealias Lanes = SIMD16<Float>

extension UnsafePointer<Float> {
  /// The 16 numbers here; the address is a multiple of 64 bytes.
  @inline(__always)
  var lanes: Lanes { UnsafeRawPointer(self).load(as: Lanes.self) }

  /// The 16 numbers here, at any address.
  @inline(__always)
  var unalignedLanes: Lanes { UnsafeRawPointer(self).loadUnaligned(as: Lanes.self) }

  /// The first few numbers here, at any address, and something else in the other lanes; no more is read.
  @inline(__always)
  func lanes(first count: Int, else other: Float = 0) -> Lanes {
    if count >= 16 { return unalignedLanes }
    var lanes = Lanes(repeating: other)
    for lane in 0..<count { lanes[lane] = self[lane] }
    return lanes
  }
}

extension UnsafeMutablePointer<Float> {
  /// The 16 numbers here; the address is a multiple of 64 bytes.
  @inline(__always)
  var lanes: Lanes {
    get { UnsafeRawPointer(self).load(as: Lanes.self) }
    nonmutating set { UnsafeMutableRawPointer(self).storeBytes(of: newValue, as: Lanes.self) }
  }

  /// Writes the first few lanes, at any address, and no more.
  @inline(__always)
  func store(_ lanes: Lanes, first count: Int) {
    if count >= 16 {
      UnsafeMutableRawPointer(self).storeBytes(of: lanes, as: Lanes.self)
    } else {
      for lane in 0..<count { self[lane] = lanes[lane] }
    }
  }
}

/// Elementary functions of 16 numbers at once.
///
/// Polynomials after range reduction; the errors named were measured against Double over the whole
/// range, and are asserted by tests. The results are the same on every machine whose compiler does
/// not contract multiplication and addition, which Swift's does not.
enum LaneMath {
  private static var rounder: Lanes { Lanes(repeating: 12_582_912) }

  /// eˣ, relative error below 2e-7; 0 where the result would be denormal, below −87.3366.
  ///
  /// Cody and Waite's reduction by multiples of ln 2, then a polynomial of degree 6, of the Cephes
  /// library (S. Moshier).
  @inline(__always)
  static func exp(_ x: Lanes) -> Lanes {
    // Adding 1.5·2²³ rounds to a whole number and leaves it in the low bits.
    let shifted = x * 1.442_695_04 + rounder
    let n = shifted - rounder
    let high = x - n * 0.693_359_375
    let r = high + n * 2.121_944_4e-4
    var p = Lanes(repeating: 1.987_569_15e-4)
    p = p * r + 1.398_199_95e-3
    p = p * r + 8.333_451_9e-3
    p = p * r + 4.166_579_6e-2
    p = p * r + 1.666_666_55e-1
    p = p * r + 5.000_000_1e-1
    let y = p * (r * r) + r + 1
    // Multiplied by 2ⁿ in its exponent, which holds what is neither infinite nor denormal.
    let bits = unsafeBitCast(y, to: SIMD16<Int32>.self)
    let exponent = unsafeBitCast(shifted, to: SIMD16<Int32>.self) &<< 23
    let result = unsafeBitCast(bits &+ exponent, to: Lanes.self)
    return result.replacing(with: 0, where: x .< -87.336_54)
      .replacing(with: x + .infinity, where: .!(x .<= 88.722_83))
  }

  /// The natural logarithm, relative error below 2e-7; −∞ of 0, not a number of negative ones.
  ///
  /// A polynomial of degree 9 of the mantissa, of the Cephes library (S. Moshier).
  @inline(__always)
  static func log(_ x: Lanes) -> Lanes {
    let isDenormal = x .< Float.leastNormalMagnitude
    let normal = x.replacing(with: x * 0x1p23, where: isDenormal)
    let bits = unsafeBitCast(normal, to: SIMD16<Int32>.self)
    // The mantissa is brought into √½…√2, so that the series below is short.
    let shifted = bits &- 0x3F35_04F3
    let whole = unsafeBitCast((shifted &>> 23) &+ 0x4B40_0000, to: Lanes.self) - rounder
    let exponent = whole.replacing(with: whole - 23, where: isDenormal)
    let mantissa = unsafeBitCast((shifted & 0x007F_FFFF) &+ 0x3F35_04F3, to: Lanes.self)
    let f = mantissa - 1
    let tail = logarithmSeries(f) - exponent * 2.121_944_4e-4
    let result = f + tail + exponent * 0.693_359_375
    return result.replacing(with: x, where: x .== .infinity)
      .replacing(with: -.infinity, where: x .== 0).replacing(with: .nan, where: .!(x .>= 0))
  }

  /// log(1 + f) − f.
  ///
  /// Not inlined: with the code around it, the compiler no longer makes vector instructions of it.
  @inline(never)
  private static func logarithmSeries(_ f: Lanes) -> Lanes {
    let z = f * f
    var p = Lanes(repeating: 7.037_683_6e-2)
    p = p * f - 1.151_461e-1
    p = p * f + 1.167_699_9e-1
    p = p * f - 1.242_014_1e-1
    p = p * f + 1.424_932_3e-1
    p = p * f - 1.666_805_8e-1
    p = p * f + 2.000_071_5e-1
    p = p * f - 2.499_999_4e-1
    p = p * f + 3.333_333_1e-1
    return p * f * z - z * 0.5
  }

  /// 1 ∕ (1 + e⁻ˣ), relative error below 3e-7 where that is not denormal.
  @inline(__always)
  static func sigmoid(_ x: Lanes) -> Lanes { 1 / (1 + exp(-x)) }

  /// 1 ∕ (1 + e⁻ˣ), absolute error below 3e-7: for products with x, which are as exact then, in half the
  /// time of `sigmoid`.
  ///
  /// ½ plus x times a quotient of polynomials of x², fitted to the absolute error up to `gateLimit` by
  /// least squares, reweighted until the errors were level: 7e-8 before rounding.
  @inline(__always)
  static func gate(_ x: Lanes) -> Lanes {
    // What is not a number stays none.
    let low = x.replacing(with: Lanes(repeating: -gateLimit), where: x .< -gateLimit)
    let t = low.replacing(with: Lanes(repeating: gateLimit), where: low .> gateLimit)
    let z = t * t
    var p = Lanes(repeating: 4.424_156e-8)
    p = p * z + 4.594_460_6e-5
    p = p * z + 8.072_036e-3
    p = p * z + 0.249_999_87
    var q = Lanes(repeating: 9.486_296e-10)
    q = q * z + 3.706_973_3e-6
    q = q * z + 1.485_672_4e-3
    q = q * z + 0.115_620_95
    q = q * z + 1
    return (p / q * t + 0.5).replacing(with: 0, where: x .< -gateLimit)
  }

  /// Where the sigmoid is 0 or 1 but for 2e-7.
  static var gateLimit: Float { 16 }

  /// The hyperbolic tangent, relative error below 3e-7.
  ///
  /// An odd polynomial near 0, of the Cephes library (S. Moshier), and 1 − 2 ∕ (e²ˣ + 1) elsewhere.
  @inline(__always)
  static func tanh(_ x: Lanes) -> Lanes {
    let z = x * x
    var p = Lanes(repeating: -5.704_988_7e-3)
    p = p * z + 2.063_908_9e-2
    p = p * z - 5.373_971_6e-2
    p = p * z + 1.333_144_2e-1
    p = p * z - 3.333_328_2e-1
    let near = x + x * z * p
    let far = 1 - 2 / (exp(2 * x) + 1)
    return near.replacing(with: far, where: .!(x.magnitude .< 0.625))
  }

  /// Φ, the normal distribution's cumulative function, absolute error below 3e-7.
  @inline(__always)
  static func normalCDF(_ x: Lanes) -> Lanes {
    (centredCDF(x) + 0.5).replacing(with: 0, where: x .< -normalLimit)
  }

  /// Where Φ is 0 or 1 but for 3e-8.
  static var normalLimit: Float { 5.4 }

  /// Φ(x) − ½, absolute error below 2e-7: x times a quotient of polynomials of x².
  ///
  /// Fitted to Φ's absolute error up to `normalLimit` by least squares, reweighted until the errors were
  /// level: 6e-9 before rounding.
  @inline(__always)
  private static func centredCDF(_ x: Lanes) -> Lanes {
    // What is not a number stays none.
    let low = x.replacing(with: Lanes(repeating: -normalLimit), where: x .< -normalLimit)
    let t = low.replacing(with: Lanes(repeating: normalLimit), where: low .> normalLimit)
    let z = t * t
    var p = Lanes(repeating: 2.343_168e-8)
    p = p * z + 6.349_619e-6
    p = p * z + 1.633_992e-4
    p = p * z + 4.645_332_2e-3
    p = p * z + 3.328_605_4e-2
    p = p * z + 0.398_942_26
    var q = Lanes(repeating: 1.217_114_9e-6)
    q = q * z + 7.208_083_1e-5
    q = q * z + 1.853_852_8e-3
    q = q * z + 2.832_868_9e-2
    q = q * z + 0.250_102_01
    q = q * z + 1
    return p / q * t
  }

  /// erf x, absolute error below 4e-7, relative near 0: a series there, else by Φ's formula.
  @inline(__always)
  static func errorFunction(_ x: Lanes) -> Lanes {
    let z = x * x
    var p = Lanes(repeating: -8.548_327e-4)
    p = p * z + 5.223_977_6e-3
    p = p * z - 2.686_617_1e-2
    p = p * z + 1.128_379_2e-1
    p = p * z - 3.761_263_9e-1
    p = p * z + 1.128_379_2
    let far = 2 * centredCDF(x * 1.414_213_56)
    return far.replacing(with: x * p, where: x.magnitude .< 0.5)
  }

  /// tanh(log(1 + eˣ)), relative error below 1e-6: with n = eˣ·(eˣ + 2), n ∕ (n + 2).
  @inline(__always)
  static func softplusTanh(_ x: Lanes) -> Lanes {
    // Beyond 20 it is 1.
    let e = exp(x.replacing(with: 20, where: x .> 20))
    let n = e * (e + 2)
    return n / (n + 2)
  }

  /// The square root, correctly rounded.
  ///
  /// Not inlined: what is a branch for each lane would keep the kernels' loops from being inlined.
  @inline(never)
  static func squareRoot(_ x: Lanes) -> Lanes { x.squareRoot() }

  /// 1 ∕ √x for positive normal x, relative error below 3e-7; of infinity as of the largest number.
  ///
  /// A guess from the halved exponent, right to 3.5 %, and three of Newton's steps, each of which doubles
  /// the right digits: no root or division, which come one lane at a time. Not inlined, as `squareRoot`.
  @inline(never)
  static func inverseSquareRoot(_ x: Lanes) -> Lanes {
    let finite = x.replacing(
      with: .greatestFiniteMagnitude, where: x .> .greatestFiniteMagnitude)
    let bits = unsafeBitCast(finite, to: SIMD16<Int32>.self)
    let half = finite * 0.5
    var y = unsafeBitCast(SIMD16(repeating: 0x5F37_59DF) &- (bits &>> 1), to: Lanes.self)
    y *= 1.5 - half * y * y
    y *= 1.5 - half * y * y
    y *= 1.5 - half * y * y
    return y
  }

  /// x to a power, by the C library but for squares: for every base and exponent, and slow.
  @inline(never)
  static func power(_ x: Lanes, _ exponent: Lanes) -> Lanes {
    if exponent == Lanes(repeating: 2) { return x * x }
    var result = x
    for lane in 0..<16 { result[lane] = pow(x[lane], exponent[lane]) }
    return result
  }
}

extension SIMD16<Float> {
  /// Lane by lane, a number where this is positive and another elsewhere.
  @inline(__always)
  func wherePositive(_ positive: Self, else other: Self) -> Self {
    other.replacing(with: positive, where: self .> 0)
  }

  /// Brought into a range, lane by lane; not a number stays what it is.
  @inline(__always)
  func limited(low: Float, high: Float) -> Self {
    let raised = replacing(with: low, where: self .< low)
    return raised.replacing(with: high, where: raised .> high)
  }

  /// |x|, lane by lane.
  @inline(__always)
  var magnitude: Self {
    unsafeBitCast(unsafeBitCast(self, to: SIMD16<UInt32>.self) & 0x7FFF_FFFF, to: Self.self)
  }
}
