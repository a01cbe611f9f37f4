extension VectorNumber {
  /// x to a power, relative error below 1e-6; 0 where the result would be denormal. Special values
  /// are those of C's `pow`.
  ///
  /// 2 to the exponent times the binary logarithm, both of which are sums of two numbers: since the
  /// logarithm is multiplied by up to 128, it needs seven bits more than a float has. Exact
  /// products have factors of 12 bits (Dekker, "A floating-point technique for extending the
  /// available precision", 1971).
  package func power(_ exponent: Self) -> Self {
    let largest = Double(Float.greatestFiniteMagnitude)
    let y = exponent.limited(-largest, largest)
    let size = absolute()
    let (log, logRest) = size.binaryLogarithm()
    let logHigh = log.highPart
    let logLow = (log - logHigh) + logRest
    let yHigh = y.highPart
    let high = yHigh * logHigh
    let low = (y - yHigh).times(log, plus: yHigh * logLow)

    // 0, infinity and NaN have no such logarithm.
    let finite = Self.select(y * -.infinity, where: size .== 0, else: high + low)
    let w = Self.select(y * size, where: size.isNotLess(than: .infinity), else: finite)
    let shifted = w + rounder
    let r = ((high - (shifted - rounder)) + low) * 0.693_147_18
    let product = r.exponentialSeries() &+ (shifted &<< 23)
    let small = Self.select(0, where: w .< -126, else: product)
    let result = Self.select(w + .infinity, where: w.isNotLessOrEqual(to: 128), else: small)
    return signed(result, forPower: y)
  }

  /// The result for a power of |self|, with the sign of the power of self.
  private func signed(_ result: Self, forPower y: Self) -> Self {
    let sign = self & constant(bits: 0x8000_0000)
    let ofInteger = Self.select(result, where: (y * 0.5).isInteger, else: result ^ sign)
    let isNegative = Self.both(self .< 0, self .> -.infinity)
    let ofFraction = Self.select(.nan, where: isNegative, else: result)
    let known = Self.select(ofInteger, where: y.isInteger, else: ofFraction)
    let ofZero = Self.select(1, where: y .== 0, else: known)
    return Self.select(1, where: self .== 1, else: ofZero)
  }

  /// The binary logarithm of a positive number, as a sum of two numbers.
  private func binaryLogarithm() -> (high: Self, low: Self) {
    let (exponent, f) = exponentAndMantissa()
    // log(1 + f) = f − f² ∕ 2 + …, with the errors of the first difference and of the square.
    let fHigh = f.highPart
    let half = fHigh * fHigh * 0.5
    let s = f - half
    let squareRest = (f + fHigh) * (f - fHigh)
    let rest = squareRest.times(0.5, from: f.logarithmCube().cube) + ((f - s) - half)
    // Times log₂ e = 1.4423828125 + 3.1222838896e-4.
    let sHigh = s.highPart
    let product = sHigh * 1.442_382_812_5
    let productRest = ((s - sHigh) + rest).times(
      1.442_695_04, plus: sHigh * 3.122_283_889_6e-4)
    let sum = exponent + product
    return (sum, ((exponent - sum) + product) + productRest)
  }

  /// The first 12 bits of the mantissa.
  private var highPart: Self { self & constant(bits: 0xFFFF_F000) }

  /// Whether this is a whole number, as all numbers from 2²³ on are.
  private var isInteger: Truth {
    let size = Self.minimum(absolute(), 0x1p23)
    return ((size + 0x1p23) - 0x1p23) .== size
  }
}
