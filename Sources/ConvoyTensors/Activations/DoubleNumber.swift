#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A number in Double, with the functions of the C library: the reference for other kinds of
/// numbers.
struct DoubleNumber: FormulaNumber {
  var value: Double

  @inline(__always)
  init(_ value: Double) { self.value = value }

  func constant(_ number: Double) -> DoubleNumber { DoubleNumber(number) }

  static func + (a: DoubleNumber, b: DoubleNumber) -> DoubleNumber { .init(a.value + b.value) }
  static func - (a: DoubleNumber, b: DoubleNumber) -> DoubleNumber { .init(a.value - b.value) }
  static func * (a: DoubleNumber, b: DoubleNumber) -> DoubleNumber { .init(a.value * b.value) }
  static func / (a: DoubleNumber, b: DoubleNumber) -> DoubleNumber { .init(a.value / b.value) }
  static prefix func - (x: DoubleNumber) -> DoubleNumber { .init(-x.value) }
  func times(_ b: DoubleNumber, plus c: DoubleNumber) -> DoubleNumber { self * b + c }
  func times(_ b: DoubleNumber, from c: DoubleNumber) -> DoubleNumber { c - self * b }
  static func maximum(_ a: DoubleNumber, _ b: DoubleNumber) -> DoubleNumber {
    a.value > b.value ? a : b
  }
  static func minimum(_ a: DoubleNumber, _ b: DoubleNumber) -> DoubleNumber {
    a.value < b.value ? a : b
  }
  func absolute() -> DoubleNumber { .init(abs(value)) }
  func squareRoot() -> DoubleNumber { .init(value.squareRoot()) }

  static func .< (a: DoubleNumber, b: DoubleNumber) -> Bool { a.value < b.value }
  static func .<= (a: DoubleNumber, b: DoubleNumber) -> Bool { a.value <= b.value }
  static func .> (a: DoubleNumber, b: DoubleNumber) -> Bool { a.value > b.value }
  static func .== (a: DoubleNumber, b: DoubleNumber) -> Bool { a.value == b.value }
  func isNotLess(than bound: DoubleNumber) -> Bool { !(value < bound.value) }
  func isNotLessOrEqual(to bound: DoubleNumber) -> Bool { !(value <= bound.value) }
  static func both(_ a: Bool, _ b: Bool) -> Bool { a && b }
  static func select(_ a: DoubleNumber, where truth: Bool, else b: DoubleNumber) -> DoubleNumber {
    truth ? a : b
  }
  func multiplyingNegatives(by factor: DoubleNumber) -> DoubleNumber {
    value > 0 ? self : self * factor
  }

  func exponential() -> DoubleNumber { .init(exp(value)) }
  func logarithm() -> DoubleNumber { .init(log(value)) }
  func exponentialMinusOne() -> DoubleNumber { .init(expm1(value)) }
  func logarithmOfOnePlus() -> DoubleNumber { .init(log1p(value)) }
  func tanh() -> DoubleNumber { .init(hyperbolicTangent(value)) }
  func gate() -> DoubleNumber { sigmoid() }
  func normalCDF() -> DoubleNumber { .init(0.5 * erfc(-value / 2.0.squareRoot())) }
  func errorFunction() -> DoubleNumber { .init(erf(value)) }
  func power(_ exponent: DoubleNumber) -> DoubleNumber { .init(pow(value, exponent.value)) }
}

/// The C library's function, which the member of the same name hides inside the type.
private func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
