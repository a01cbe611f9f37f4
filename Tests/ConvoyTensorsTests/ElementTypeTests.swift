import ConvoyTensors
import Testing

@Suite struct ElementTypeTests {
  @Test func everyTypeHasItsSwiftType() {
    for type in ElementType.allCases {
      func check<Element: TensorElement>(_: Element.Type) {
        #expect(Element.type == type)
        #expect(MemoryLayout<Element>.size == type.size)
        #expect(MemoryLayout<Element>.stride == type.size)
        #expect(MemoryLayout<Element.Bits>.size == type.size)
      }
      check(type.swiftType)
    }
    #expect(Set(ElementType.allCases.map(\.rawValue)).count == ElementType.allCases.count)
  }

  @Test func typesFallIntoClasses() {
    for type in ElementType.allCases {
      #expect([type.isFloating, type.isInteger, type == .bool].filter { $0 }.count == 1)
    }
    #expect(ElementType.allCases.filter { $0.isInteger && $0.isSigned }.count == 4)
    #expect(!ElementType.bool.isSigned && ElementType.bfloat16.isSigned)
  }

  // MARK: Half precision

  /// Every one of the 65536 halves: to a float and back is the same, and between two neighbours the nearer
  /// is taken, the even one where both are as near.
  @Test func everyHalfRoundTrips() {
    let all = UInt16.min...UInt16.max
    #expect(
      all.map { Half(bits: $0) }.filter {
        let again = Half(converting: Double(Float($0)))
        return Float($0).isNaN ? !Float(again).isNaN : again != $0
      }.isEmpty)
    #expect(
      all.map { BFloat16(bits: $0) }.filter {
        let again = BFloat16(converting: Double(Float($0)))
        return Float($0).isNaN ? !Float(again).isNaN : again != $0
      }.isEmpty)
  }

  @Test func betweenTwoHalvesTheNearerIsTaken() {
    func check<Number: TensorElement>(
      _ type: Number.Type, infinity: UInt16, value: (Number) -> Double
    ) where Number.Bits == UInt16 {
      let wrong = (0..<infinity - 1).filter { bits in
        let (low, high) = (Number(bits: bits), Number(bits: bits + 1))
        let middle = (value(low) + value(high)) / 2
        return Number(converting: middle) != (bits % 2 == 0 ? low : high)
          || Number(converting: middle.nextDown) != low
          || Number(converting: middle.nextUp) != high
          || Number(converting: -middle.nextUp).bits != high.bits | 0x8000
      }
      #expect(wrong.isEmpty)
    }
    check(Half.self, infinity: 0x7C00) { Double(Float($0)) }
    check(BFloat16.self, infinity: 0x7F80) { Double(Float($0)) }
  }

  @Test func whatIsTooLargeForAHalfIsInfinite() {
    #expect(Float(Half(converting: 65519.99)) == 65504)
    #expect(Float(Half(converting: 65520.0)) == .infinity)
    #expect(Float(Half(converting: -1e300)) == -.infinity)
    #expect(Float(Half(converting: -Double.infinity)) == -.infinity)
    #expect(Float(BFloat16(converting: Double.greatestFiniteMagnitude)) == .infinity)
    #expect(Half(converting: 0x1p-26).bits == 0)
    #expect(Half(converting: -0.0).bits == 0x8000)
  }

  // MARK: Integers

  @Test func floatsBecomeIntegersWithoutTheirFraction() {
    #expect(2.9.converted(to: Int32.self) == 2)
    #expect((-2.9).converted(to: Int32.self) == -2)
    #expect((-0.9).converted(to: UInt8.self) == 0)
    #expect((-1.0).converted(to: UInt8.self) == 0)
    #expect(300.0.converted(to: UInt8.self) == 255)
    #expect((-300.0).converted(to: Int8.self) == -128)
    #expect(0x1p63.converted(to: Int64.self) == .max)
    #expect((-0x1p63).converted(to: Int64.self) == .min)
    #expect(0x1p63.converted(to: UInt64.self) == 1 << 63)
    #expect(Double.infinity.converted(to: Int16.self) == .max)
    #expect(Double.nan.converted(to: Int16.self) == 0)
    #expect(Double.nan.converted(to: Bool.self))
    #expect(!(-0.0).converted(to: Bool.self))
  }

  @Test func integersKeepTheirLowBits() {
    #expect(Int32(200).converted(to: Int8.self) == -56)
    #expect(Int64(-1).converted(to: UInt16.self) == 65535)
    #expect(UInt64.max.converted(to: Int64.self) == -1)
    #expect(UInt64.max.converted(to: Double.self) == 0x1p64)
    #expect(Int8(-3).converted(to: Bool.self))
    #expect(true.converted(to: Float.self) == 1)
  }

  /// Rounded once: an integer whose double lies in the middle of two bfloat16 goes to the side it is on.
  @Test func largeIntegersAreRoundedOnce() {
    let middle: Int64 = 1 << 62 + 1 << 54
    #expect(Float(middle.converted(to: BFloat16.self)) == 0x1p62)
    #expect(Float((middle + 1).converted(to: BFloat16.self)) == 0x1p62 + 0x1p55)
    #expect(Float((middle - 1).converted(to: BFloat16.self)) == 0x1p62)
    #expect(Float((-middle - 1).converted(to: BFloat16.self)) == -0x1p62 - 0x1p55)
    #expect((Int64(1 << 24) + 1).converted(to: Float.self) == 0x1p24)
  }
}
