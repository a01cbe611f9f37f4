/// What the formulas of activations are written over: a number (`DoubleNumber`), 16 at once (`LaneNumber`), or a
/// vector register of code that is being generated.
package protocol FormulaNumber {
  /// Where a comparison holds: lane by lane, if there are lanes.
  associatedtype Truth

  /// A constant of the same kind.
  func constant(_ number: Double) -> Self

  // MARK: Arithmetic

  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
  static prefix func - (x: Self) -> Self
  /// self · b + c, a fused multiply-add where the processor has one that is as fast; else rounded twice.
  func times(_ b: Self, plus c: Self) -> Self
  /// c − self · b, fused likewise.
  func times(_ b: Self, from c: Self) -> Self
  /// The larger; b where they are equal or one is not a number.
  static func maximum(_ a: Self, _ b: Self) -> Self
  /// The smaller; b where they are equal or one is not a number.
  static func minimum(_ a: Self, _ b: Self) -> Self
  /// |x|
  func absolute() -> Self
  /// √x, correctly rounded.
  func squareRoot() -> Self

  // MARK: Choices

  static func .< (a: Self, b: Self) -> Truth
  static func .<= (a: Self, b: Self) -> Truth
  static func .> (a: Self, b: Self) -> Truth
  static func .== (a: Self, b: Self) -> Truth
  /// Whether self ≥ bound or one of them is not a number.
  func isNotLess(than bound: Self) -> Truth
  /// Whether self > bound or one of them is not a number.
  func isNotLessOrEqual(to bound: Self) -> Truth
  /// Where both hold.
  static func both(_ a: Truth, _ b: Truth) -> Truth
  /// A number where a comparison holds, another elsewhere.
  static func select(_ a: Self, where truth: Truth, else b: Self) -> Self
  /// self where it is positive, self · factor where it is negative. Which one it is at 0 and where self is not a
  /// number differs among processors.
  func multiplyingNegatives(by factor: Self) -> Self

  // MARK: Elementary functions

  /// eˣ
  func exponential() -> Self
  /// The natural logarithm.
  func logarithm() -> Self
  /// eˣ − 1
  func exponentialMinusOne() -> Self
  /// log(1 + x)
  func logarithmOfOnePlus() -> Self
  /// The hyperbolic tangent.
  func tanh() -> Self
  /// 1 ∕ (1 + e⁻ˣ) with an absolute error only, for products with x; perhaps a number where x is none.
  func gate() -> Self
  /// Φ, the normal distribution's cumulative function, with an absolute error only, for products with x;
  /// perhaps a number where x is none.
  func normalCDF() -> Self
  /// erf x = 2∕√π · ∫₀ˣ e^−t² dt
  func errorFunction() -> Self
  /// x to a power: every special value as C's `pow` has it.
  func power(_ exponent: Self) -> Self
}

extension FormulaNumber {
  /// 1 ∕ (1 + e⁻ˣ)
  @inline(__always)
  func sigmoid() -> Self { 1 / (1 + (-self).exponential()) }

  /// Brought into a range; what is not a number stays.
  @inline(__always)
  func limited(_ low: Self, _ high: Self) -> Self {
    Self.minimum(high, Self.maximum(low, self))
  }
}

// MARK: - With constants

extension FormulaNumber {
  @inline(__always)
  static func + (a: Self, b: Double) -> Self { a + a.constant(b) }
  @inline(__always)
  static func + (a: Double, b: Self) -> Self { b.constant(a) + b }
  @inline(__always)
  static func - (a: Self, b: Double) -> Self { a - a.constant(b) }
  @inline(__always)
  static func - (a: Double, b: Self) -> Self { b.constant(a) - b }
  @inline(__always)
  static func * (a: Self, b: Double) -> Self { a * a.constant(b) }
  @inline(__always)
  static func / (a: Double, b: Self) -> Self { b.constant(a) / b }
  @inline(__always)
  func times(_ b: Self, plus c: Double) -> Self { times(b, plus: constant(c)) }
  @inline(__always)
  func times(_ b: Double, plus c: Self) -> Self { times(constant(b), plus: c) }
  @inline(__always)
  func times(_ b: Double, plus c: Double) -> Self { times(constant(b), plus: constant(c)) }
  @inline(__always)
  func times(_ b: Self, from c: Double) -> Self { times(b, from: constant(c)) }
  @inline(__always)
  func times(_ b: Double, from c: Self) -> Self { times(constant(b), from: c) }
  @inline(__always)
  static func maximum(_ a: Self, _ b: Double) -> Self { maximum(a, a.constant(b)) }
  @inline(__always)
  static func minimum(_ a: Self, _ b: Double) -> Self { minimum(a, a.constant(b)) }
  @inline(__always)
  func limited(_ low: Double, _ high: Double) -> Self { limited(constant(low), constant(high)) }
  @inline(__always)
  static func .< (a: Self, b: Double) -> Truth { a .< a.constant(b) }
  @inline(__always)
  static func .<= (a: Self, b: Double) -> Truth { a .<= a.constant(b) }
  @inline(__always)
  static func .> (a: Self, b: Double) -> Truth { a .> a.constant(b) }
  @inline(__always)
  static func .== (a: Self, b: Double) -> Truth { a .== a.constant(b) }
  @inline(__always)
  func isNotLess(than bound: Double) -> Truth { isNotLess(than: constant(bound)) }
  @inline(__always)
  func isNotLessOrEqual(to bound: Double) -> Truth { isNotLessOrEqual(to: constant(bound)) }
  @inline(__always)
  static func select(_ a: Double, where truth: Truth, else b: Self) -> Self {
    select(b.constant(a), where: truth, else: b)
  }
  /// A number where a comparison holds, 0 elsewhere.
  @inline(__always)
  static func select(_ a: Self, where truth: Truth) -> Self {
    select(a, where: truth, else: a.constant(0))
  }
}
