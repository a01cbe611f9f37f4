/// The numbers that activations' formulas are evaluated with: a Double (`DoubleNumber`), 16 floats
/// (`LaneNumber`), or a vector register of code that is being generated.
package protocol FormulaNumber {
  /// The result of a comparison; if there are lanes, one for each.
  associatedtype Truth

  /// A constant of this kind of number.
  func constant(_ number: Double) -> Self

  // MARK: Arithmetic

  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
  static prefix func - (x: Self) -> Self
  /// self · b + c, fused where the processor has a fused multiply-add that is as fast; otherwise
  /// rounded twice.
  func times(_ b: Self, plus c: Self) -> Self
  /// c − self · b, fused under the same condition.
  func times(_ b: Self, from c: Self) -> Self
  /// The larger; b where they are equal or one is NaN.
  static func maximum(_ a: Self, _ b: Self) -> Self
  /// The smaller; b where they are equal or one is NaN.
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
  /// Whether self ≥ bound, or one of them is NaN.
  func isNotLess(than bound: Self) -> Truth
  /// Whether self > bound, or one of them is NaN.
  func isNotLessOrEqual(to bound: Self) -> Truth
  /// Whether both comparisons hold.
  static func both(_ a: Truth, _ b: Truth) -> Truth
  /// a where a comparison holds, b elsewhere.
  static func select(_ a: Self, where truth: Truth, else b: Self) -> Self
  /// self where it is positive, self · factor where it is negative. At 0 and NaN, processors differ
  /// in which of the two they return.
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
  /// 1 ∕ (1 + e⁻ˣ) with a bound of the absolute error only, for products with x; may be a number
  /// where x is NaN.
  func gate() -> Self
  /// Φ, the normal distribution's cumulative function, with a bound of the absolute error only, for
  /// products with x; may be a number where x is NaN.
  func normalCDF() -> Self
  /// erf x = 2∕√π · ∫₀ˣ e^−t² dt
  func errorFunction() -> Self
  /// x to a power, with the special values of C's `pow`.
  func power(_ exponent: Self) -> Self
}

extension FormulaNumber {
  /// 1 ∕ (1 + e⁻ˣ)
  @inline(__always)
  func sigmoid() -> Self { 1 / (1 + (-self).exponential()) }

  /// Limited to a range; NaN is returned unchanged.
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
  /// self where a comparison holds, 0 elsewhere.
  @inline(__always)
  static func select(_ a: Self, where truth: Truth) -> Self {
    select(a, where: truth, else: a.constant(0))
  }
}
