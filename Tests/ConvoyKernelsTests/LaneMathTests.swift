import Foundation
import Testing

@testable import ConvoyKernels
@testable import ConvoyTensors

/// The documented error bounds of elementary functions of 16 numbers, against Double.
@Suite struct LaneMathTests {
  /// Numbers evenly apart, and the neighbours of special ones.
  static func sweep(_ range: ClosedRange<Float>, count: Int = 1 << 15, also: [Float] = [])
    -> [Float]
  {
    let even = (0..<count).map {
      range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / Float(count - 1)
    }
    return even + also.flatMap { [$0.nextDown, $0, $0.nextUp] }
  }

  /// Every exponent of positive numbers, denormal ones too, each with some mantissas.
  static let positive: [Float] = (0..<UInt32(255)).flatMap { exponent in
    (0..<UInt32(64)).map { Float(bitPattern: exponent << 23 | ($0 &* 0x9E37_79B9) >> 9) }
  }

  /// Applies a function to numbers, 16 at once.
  static func apply(_ numbers: [Float], _ function: (Lanes) -> Lanes) -> [Float] {
    stride(from: 0, to: numbers.count, by: 16).flatMap { start -> [Float] in
      let count = min(16, numbers.count - start)
      var lanes = Lanes.zero
      for lane in 0..<count { lanes[lane] = numbers[start + lane] }
      let result = function(lanes)
      return (0..<count).map { result[$0] }
    }
  }

  /// The largest error over some numbers, relative to the result or to a smallest size of it.
  static func worst(
    _ numbers: [Float], atLeast size: Double, orArgument: Bool = false,
    _ function: (Lanes) -> Lanes, _ exact: (Double) -> Double
  ) -> (error: Double, at: Float) {
    var worst = (error: 0.0, at: Float(0))
    for (x, y) in zip(numbers, apply(numbers, function)) {
      let want = exact(Double(x))
      if Float(want) == y || want.isNaN && y.isNaN { continue }
      let least = orArgument ? max(size, abs(Double(x))) : size
      let error = abs(Double(y) - want) / max(abs(want), least)
      if !(error <= worst.error) { worst = (error.isNaN ? .infinity : error, x) }
    }
    return worst
  }

  static let extremes: [Float] = [
    0, -0.0, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
    .leastNormalMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1, -1,
  ]

  @Test func exp() {
    let numbers = Self.sweep(-87.33...88.72, also: [0, 1e-30, -1e-30, 88, 88.3, 88.72])
    let worst = Self.worst(numbers, atLeast: 0, LaneMath.exp) { Foundation.exp($0) }
    #expect(worst.error <= 2e-7, "at \(worst.at)")
  }

  @Test func inverseSquareRoot() {
    let numbers = Self.positive.filter(\.isNormal)
    let worst = Self.worst(numbers, atLeast: 0, LaneMath.inverseSquareRoot) { 1 / $0.squareRoot() }
    #expect(worst.error <= 3e-7, "at \(worst.at)")
    #expect(Self.apply([.infinity], LaneMath.inverseSquareRoot)[0] < 1e-19)
    #expect(Self.apply([.nan], LaneMath.inverseSquareRoot)[0].isNaN)
  }

  @Test func expBeyondItsRange() {
    #expect(
      Self.apply([88.722_84, 89, 1e10, .infinity, .greatestFiniteMagnitude], LaneMath.exp)
        == Array(repeating: .infinity, count: 5))
    #expect(
      Self.apply([-87.336_55, -88, -104, -1e10, -.infinity], LaneMath.exp)
        == Array(repeating: 0, count: 5))
    let edge = Self.apply([88.722_83, -87.336_54], LaneMath.exp)
    #expect(edge[0].isFinite && edge[0] > 3.4e38)
    #expect(edge[1].isNormal)
    let nans = [Float.nan, -.nan, Float(bitPattern: 0x7FFF_FFFF), Float(bitPattern: 0xFFC0_0155)]
    let results = Self.apply(nans, LaneMath.exp)
    #expect(results.filter { !$0.isNaN } == [])
  }

  @Test func log() {
    let numbers = Self.positive + Self.sweep(0.5...2, also: [1, 0.707_106_77, 1.414_213_5])
    let worst = Self.worst(numbers, atLeast: 0, LaneMath.log) { Foundation.log($0) }
    #expect(worst.error <= 2e-7, "at \(worst.at)")
  }

  @Test func logOfWhatHasNone() {
    #expect(Self.apply([0, -0.0], LaneMath.log) == [-.infinity, -.infinity])
    #expect(Self.apply([.infinity], LaneMath.log) == [.infinity])
    let none: [Float] = [-1, -.leastNonzeroMagnitude, -1e38, -.infinity, .nan]
    let results = Self.apply(none, LaneMath.log)
    #expect(results.filter { !$0.isNaN } == [])
  }

  @Test func sigmoid() {
    let numbers = Self.sweep(-86...40) + Self.extremes + [-100, 100]
    let worst = Self.worst(numbers, atLeast: 1e-36, { LaneNumber($0).sigmoid().value }) {
      1 / (1 + Foundation.exp(-$0))
    }
    #expect(worst.error <= 3e-7, "at \(worst.at)")
  }

  @Test func tanh() {
    let small = Self.positive.flatMap { [$0, -$0] }
    let numbers = Self.sweep(-12...12, also: [0.625, -0.625]) + small + Self.extremes
    let worst = Self.worst(
      numbers, atLeast: Double(Float.leastNormalMagnitude), { LaneNumber($0).tanh().value }
    ) { Foundation.tanh($0) }
    #expect(worst.error <= 3e-7, "at \(worst.at)")
  }

  /// The absolute error that `gate` documents.
  @Test func gate() {
    let numbers =
      Self.sweep(-40...40, also: [16, -16, 15.999_999, -16.000_002])
      + Self.extremes.filter { !$0.isNaN }
    let worst = Self.worst(numbers, atLeast: 1, { LaneNumber($0).gate().value }) {
      1 / (1 + Foundation.exp(-$0))
    }
    #expect(worst.error <= 3e-7, "at \(worst.at)")
  }

  @Test func normalCDF() {
    let numbers = Self.sweep(-15...15) + Self.extremes.filter { !$0.isNaN }
    let worst = Self.worst(numbers, atLeast: 1, { LaneNumber($0).normalCDF().value }) {
      0.5 * erfc(-$0 / 2.0.squareRoot())
    }
    #expect(worst.error <= 3e-7, "at \(worst.at)")
  }

  @Test func errorFunction() {
    let numbers = Self.sweep(-5...5, also: [0.5, -0.5]) + Self.extremes
    let worst = Self.worst(numbers, atLeast: 1, { LaneNumber($0).errorFunction().value }) {
      erf($0)
    }
    #expect(worst.error <= 4e-7, "at \(worst.at)")
  }

  /// Bases of either sign and none, with exponents whole, odd, even and broken.
  @Test func power() {
    let bases = Self.extremes + Self.sweep(-4...4, count: 301) + [1e-20, 3e20]
    let exponents: [Double] = [
      -3, -2, -1, -0.5, 0, 0.5, 1, 2, 3, 2.5, 64, .infinity, -.infinity, .nan,
    ]
    for exponent in exponents {
      let worst = Self.worst(
        bases, atLeast: 1e-37, { LaneMath.power($0, Lanes(repeating: Float(exponent))) }
      ) { pow($0, exponent) }
      #expect(worst.error <= 2e-7, "\(worst.at) to the power \(exponent)")
    }
    let mixed = LaneMath.power(
      Lanes(repeating: -2), Lanes(lowHalf: SIMD8(repeating: 2), highHalf: SIMD8(repeating: 3)))
    let numbers = (0..<16).map { mixed[$0] }
    #expect(numbers == (0..<16).map { $0 < 8 ? 4 : -8 })
  }
}
