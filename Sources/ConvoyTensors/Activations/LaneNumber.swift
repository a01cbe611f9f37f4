#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// 16 floats, the channels of a pixel, in plain Swift. Products and sums are rounded separately, so
/// that results are bit-identical on every machine.
struct LaneNumber: VectorNumber {
  typealias Truth = SIMDMask<SIMD16<Int32>>

  var value: SIMD16<Float>

  @inline(__always)
  init(_ value: SIMD16<Float>) { self.value = value }

  /// The same number in all lanes.
  @inline(__always)
  init(repeating number: Float) { value = SIMD16(repeating: number) }

  @inline(__always)
  private init(bits: SIMD16<Int32>) { value = unsafeBitCast(bits, to: SIMD16<Float>.self) }

  @inline(__always)
  private var bits: SIMD16<Int32> { unsafeBitCast(value, to: SIMD16<Int32>.self) }

  @inline(__always)
  func constant(_ number: Double) -> LaneNumber { LaneNumber(repeating: Float(number)) }
  @inline(__always)
  func constant(bits: UInt32) -> LaneNumber {
    LaneNumber(repeating: Float(bitPattern: bits))
  }

  @inline(__always)
  static func + (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(a.value + b.value) }
  @inline(__always)
  static func - (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(a.value - b.value) }
  @inline(__always)
  static func * (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(a.value * b.value) }
  @inline(__always)
  static func / (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(a.value / b.value) }
  @inline(__always)
  static prefix func - (x: LaneNumber) -> LaneNumber { .init(-x.value) }
  @inline(__always)
  func times(_ b: LaneNumber, plus c: LaneNumber) -> LaneNumber { self * b + c }
  @inline(__always)
  func times(_ b: LaneNumber, from c: LaneNumber) -> LaneNumber { c - self * b }
  @inline(__always)
  func times(squareOf r: LaneNumber, plus c: LaneNumber) -> LaneNumber { self * (r * r) + c }
  @inline(__always)
  static func maximum(_ a: LaneNumber, _ b: LaneNumber) -> LaneNumber {
    select(a, where: a .> b, else: b)
  }
  @inline(__always)
  static func minimum(_ a: LaneNumber, _ b: LaneNumber) -> LaneNumber {
    select(a, where: a .< b, else: b)
  }

  /// Not inlined: its branches for each lane would keep the kernels' loops from being inlined.
  @inline(never)
  func squareRoot() -> LaneNumber { .init(value.squareRoot()) }

  @inline(__always)
  static func & (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(bits: a.bits & b.bits) }
  @inline(__always)
  static func ^ (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(bits: a.bits ^ b.bits) }
  @inline(__always)
  static func &+ (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(bits: a.bits &+ b.bits) }
  @inline(__always)
  static func &- (a: LaneNumber, b: LaneNumber) -> LaneNumber { .init(bits: a.bits &- b.bits) }
  @inline(__always)
  static func &<< (a: LaneNumber, count: Int) -> LaneNumber {
    .init(bits: a.bits &<< SIMD16(repeating: Int32(truncatingIfNeeded: count)))
  }
  @inline(__always)
  static func &>> (a: LaneNumber, count: Int) -> LaneNumber {
    .init(bits: a.bits &>> SIMD16(repeating: Int32(truncatingIfNeeded: count)))
  }

  @inline(__always)
  static func .< (a: LaneNumber, b: LaneNumber) -> Truth { a.value .< b.value }
  @inline(__always)
  static func .<= (a: LaneNumber, b: LaneNumber) -> Truth { a.value .<= b.value }
  @inline(__always)
  static func .> (a: LaneNumber, b: LaneNumber) -> Truth { a.value .> b.value }
  @inline(__always)
  static func .== (a: LaneNumber, b: LaneNumber) -> Truth { a.value .== b.value }
  @inline(__always)
  func isNotLess(than bound: LaneNumber) -> Truth { .!(value .< bound.value) }
  @inline(__always)
  func isNotLessOrEqual(to bound: LaneNumber) -> Truth { .!(value .<= bound.value) }
  @inline(__always)
  static func both(_ a: Truth, _ b: Truth) -> Truth { a .& b }
  @inline(__always)
  static func select(_ a: LaneNumber, where truth: Truth, else b: LaneNumber) -> LaneNumber {
    .init(b.value.replacing(with: a.value, where: truth))
  }
  @inline(__always)
  func multiplyingNegatives(by factor: LaneNumber) -> LaneNumber {
    LaneNumber.select(self, where: self .> 0, else: self * factor)
  }

  /// For all bases and exponents: slow, by the C library, except for squares.
  @inline(never)
  func power(_ exponent: LaneNumber) -> LaneNumber {
    if exponent.value == SIMD16(repeating: 2) { return self * self }
    var result = value
    for lane in 0..<16 { result[lane] = pow(value[lane], exponent.value[lane]) }
    return LaneNumber(result)
  }
}
