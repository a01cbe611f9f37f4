import ConvoyTensors

/// How a reduction combines numbers.
package enum ReductionFunction: Hashable, Sendable {
  /// Σx
  case sum
  /// Πx
  case product
  /// The maximum.
  case maximum
  /// The minimum.
  case minimum
}

/// A function that combines two numbers, for 16 pairs or for one.
protocol LaneReduction {
  /// The neutral element.
  static var neutral: Float { get }
  static func combine(_ a: Lanes, _ b: Lanes) -> Lanes
  static func combine(_ a: Double, _ b: Double) -> Double
}

/// Addition.
enum LaneSum: LaneReduction {
  static var neutral: Float { 0 }
  @inline(__always) static func combine(_ a: Lanes, _ b: Lanes) -> Lanes { a + b }
  @inline(__always) static func combine(_ a: Double, _ b: Double) -> Double { a + b }
}

/// The maximum.
enum LaneMaximum: LaneReduction {
  static var neutral: Float { -.infinity }
  @inline(__always)
  static func combine(_ a: Lanes, _ b: Lanes) -> Lanes { a.replacing(with: b, where: b .> a) }
  @inline(__always) static func combine(_ a: Double, _ b: Double) -> Double { b > a ? b : a }
}

/// The minimum.
enum LaneMinimum: LaneReduction {
  static var neutral: Float { .infinity }
  @inline(__always)
  static func combine(_ a: Lanes, _ b: Lanes) -> Lanes { a.replacing(with: b, where: b .< a) }
  @inline(__always) static func combine(_ a: Double, _ b: Double) -> Double { b < a ? b : a }
}

/// Multiplication.
enum LaneProduct: LaneReduction {
  static var neutral: Float { 1 }
  @inline(__always) static func combine(_ a: Lanes, _ b: Lanes) -> Lanes { a * b }
  @inline(__always) static func combine(_ a: Double, _ b: Double) -> Double { a * b }
}

/// Sixteen totals of any number of floats.
///
/// Floats are combined in blocks of some sixty, and the blocks' results in Double: a sum's error
/// does not grow with its length, and the speed is nearly that of adding floats.
struct BlockedTotal<Function: LaneReduction> {
  private static var blockSize: Int { 64 }

  private var even = Lanes(repeating: Function.neutral)
  private var odd = Lanes(repeating: Function.neutral)
  private var pending = 0
  private var totals = SIMD16<Double>(repeating: Double(Function.neutral))

  /// Adds groups of 16 numbers with a given distance in floats.
  @inline(__always)
  mutating func add(_ start: UnsafePointer<Float>, count: Int, step: Int = PlaneLayout.lanes) {
    add(count: count) { (start + $0 * step).unalignedLanes }
  }

  /// Adds groups of 16 numbers that a closure computes.
  @inline(__always)
  mutating func add(count: Int, _ group: (_ index: Int) -> Lanes) {
    var index = 0
    while index < count {
      let block = min(count - index, Self.blockSize - pending)
      var (a, b) = (even, odd)
      for _ in 0..<block / 2 {
        a = Function.combine(a, group(index))
        b = Function.combine(b, group(index + 1))
        index += 2
      }
      if block % 2 != 0 {
        a = Function.combine(a, group(index))
        index += 1
      }
      (even, odd) = (a, b)
      pending += block
      if pending == Self.blockSize { flush() }
    }
  }

  /// The sixteen totals.
  @inline(__always)
  mutating func finish() -> SIMD16<Double> {
    flush()
    return totals
  }

  @inline(never)
  private mutating func flush() {
    let block = Function.combine(even, odd)
    for lane in 0..<block.scalarCount {
      totals[lane] = Function.combine(totals[lane], Double(block[lane]))
    }
    even = Lanes(repeating: Function.neutral)
    odd = even
    pending = 0
  }
}

/// Two times sixteen sums of equally many floats, computed together: see `BlockedTotal`.
struct BlockedPair {
  private static var blockSize: Int { 64 }

  private var sums = (Lanes.zero, Lanes.zero)
  private var pending = 0
  private var totals = (SIMD16<Double>.zero, SIMD16<Double>.zero)

  /// Adds pairs of groups of 16 numbers that a closure computes.
  @inline(__always)
  mutating func add(count: Int, _ groups: (_ index: Int) -> (Lanes, Lanes)) {
    var index = 0
    while index < count {
      let block = min(count - index, Self.blockSize - pending)
      var (a, b) = sums
      for next in index..<index + block {
        let (first, second) = groups(next)
        a += first
        b += second
      }
      index += block
      sums = (a, b)
      pending += block
      if pending == Self.blockSize { flush() }
    }
  }

  /// The two times sixteen totals.
  @inline(__always)
  mutating func finish() -> (SIMD16<Double>, SIMD16<Double>) {
    flush()
    return totals
  }

  @inline(never)
  private mutating func flush() {
    totals.0 += SIMD16<Double>(sums.0)
    totals.1 += SIMD16<Double>(sums.1)
    sums = (.zero, .zero)
    pending = 0
  }
}

extension SIMD16<Double> {
  /// The total of sixteen numbers, in a fixed order.
  @inline(__always)
  func reduced<Function: LaneReduction>(by function: Function.Type) -> Double {
    var total = self[0]
    for lane in 1..<scalarCount { total = Function.combine(total, self[lane]) }
    return total
  }
}
