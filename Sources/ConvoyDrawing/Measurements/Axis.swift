/// The scale of a chart.
struct Axis {
  let range: ClosedRange<Double>
  let isLogarithmic: Bool
  /// The numbers that have a mark.
  let ticks: [Double]

  /// An axis with round numbers around a range.
  init(linear low: Double, _ high: Double, about count: Int = 5) {
    let span = max(high - low, max(high.magnitude, 1e-6) * 1e-3)
    var step = Axis.power(10, Int(Axis.floorLog10(span / Double(count))))
    for factor in [1.0, 2, 5, 10] where span / (step * factor) <= Double(count) {
      step *= factor
      break
    }
    let first = (low / step).rounded(.down)
    let last = max((high / step).rounded(.up), first + 1)
    isLogarithmic = false
    range = first * step...last * step
    ticks = stride(from: first, through: last, by: 1).prefix(40).map { $0 * step }
  }

  /// A logarithmic axis of powers of two around a range of positive numbers.
  init(doublings low: Double, _ high: Double) {
    var (start, end) = (1.0, 1.0)
    while start > low, start > 1e-9 { start /= 2 }
    while start * 2 <= low, start < 1e12 { start *= 2 }
    end = start * 2
    while end < high, end < 1e13 { end *= 2 }
    isLogarithmic = true
    range = start...end
    var (ticks, tick) = ([Double](), start)
    while tick <= end * 1.001 {
      ticks.append(tick)
      tick *= 2
    }
    let every = (ticks.count + 11) / 12
    self.ticks = ticks.enumerated().filter { $0.offset % every == 0 }.map(\.element)
  }

  /// The position of a number on the axis, from 0 to 1.
  func position(_ value: Double) -> Double {
    if isLogarithmic {
      return Axis.log2(max(value, range.lowerBound) / range.lowerBound)
        / Axis.log2(range.upperBound / range.lowerBound)
    }
    return (value - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  /// The integer part of the decimal logarithm, without the mathematics library.
  private static func floorLog10(_ value: Double) -> Double {
    var (exponent, rest) = (0.0, value)
    while rest >= 10, exponent < 300 { (rest, exponent) = (rest / 10, exponent + 1) }
    while rest < 1, exponent > -300 { (rest, exponent) = (rest * 10, exponent - 1) }
    return exponent
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    let whole = (0..<exponent.magnitude).reduce(1.0) { product, _ in product * base }
    return exponent < 0 ? 1 / whole : whole
  }

  /// Bit by bit, by squaring: the results of mathematics libraries differ in the last bit between
  /// machines, and this one's do not.
  static func log2(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 0 }
    var (result, rest) = (Double(value.exponent), value.significand)
    var bit = 0.5
    for _ in 0..<30 {
      rest *= rest
      if rest >= 2 {
        rest /= 2
        result += bit
      }
      bit /= 2
    }
    return result
  }
}
