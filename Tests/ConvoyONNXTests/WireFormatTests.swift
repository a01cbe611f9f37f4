import ConvoyTensors
import Testing

@testable import ConvoyONNX

/// The wire format, by the examples of its description
/// (<https://protobuf.dev/programming-guides/encoding/>) and by what is written being read.
@Suite struct WireFormatTests {
  /// A message with a field of every kind.
  struct Sample: WireMessage, Equatable {
    @Singular var number: Int32 = 0
    @Singular var text = ""
    @Singular var single: Float = 0
    @Singular var inner = Inner()
    var packed: [Int32] = []
    var unpacked: [UInt64] = []
    var doubles: [Double] = []
    var texts: [String] = []
    var inners: [Inner] = []
    @Singular var location = TensorProto.DataLocation.default

    static let fields: [WireField<Sample>] = [
      .singular(1, \.$number, .integer),
      .singular(2, \.$text, .text),
      .message(3, \.$inner),
      .singular(4, \.$single, .float),
      .numbers(6, \.packed, .integer, isPacked: true),
      .numbers(7, \.unpacked, .integer),
      .numbers(8, \.doubles, .double, isPacked: true),
      .repeated(9, \.texts, .text),
      .messages(10, \.inners),
      .singular(300, \.$location, .enumeration),
    ]

    static func == (a: Sample, b: Sample) -> Bool {
      a.$number == b.$number && a.$text == b.$text && a.$single == b.$single && a.$inner == b.$inner
        && a.packed == b.packed && a.unpacked == b.unpacked && a.doubles == b.doubles
        && a.texts == b.texts && a.inners == b.inners && a.$location == b.$location
    }
  }

  struct Inner: WireMessage, Equatable {
    @Singular var a: Int64 = 0
    @Singular var b: Int64 = 0

    static let fields: [WireField<Inner>] = [
      .singular(1, \.$a, .integer), .singular(2, \.$b, .integer),
    ]

    static func == (a: Inner, b: Inner) -> Bool { a.$a == b.$a && a.$b == b.$b }
  }

  static let random: [Sample] = {
    var random = Random(seed: 1)
    return (0..<100).map { _ in
      .with {
        if Bool.random(using: &random) { $0.number = Int32(truncatingIfNeeded: random.next()) }
        if Bool.random(using: &random) {
          $0.text = String(repeating: "ä", count: Int(random.next() % 200))
        }
        if Bool.random(using: &random) {
          $0.single = Float(Int16(truncatingIfNeeded: random.next())) / 8
        }
        if Bool.random(using: &random) { $0.inner.a = Int64(bitPattern: random.next()) }
        if Bool.random(using: &random) { $0.location = .external }
        $0.packed = (0..<random.next() % 5).map { _ in Int32(truncatingIfNeeded: random.next()) }
        $0.unpacked = (0..<random.next() % 5).map { _ in random.next() >> (random.next() % 64) }
        $0.doubles = (0..<random.next() % 5).map { _ in Double(random.next()) }
        $0.texts = (0..<random.next() % 3).map { "\($0)" }
        $0.inners = (0..<random.next() % 3).map { n in .with { $0.b = Int64(n) } }
      }
    }
  }()

  @Test func whatIsWrittenIsRead() throws {
    for sample in Self.random { #expect(try Sample(encoded: sample.encoded()[...]) == sample) }
  }

  @Test func publishedExamples() throws {
    #expect(Sample.with { $0.number = 150 }.encoded() == [0x08, 0x96, 0x01])
    #expect(
      Sample.with { $0.number = -2 }.encoded() == [0x08, 0xFE] + [UInt8](repeating: 0xFF, count: 8)
        + [0x01])
    #expect(Sample.with { $0.text = "testing" }.encoded() == [0x12, 0x07] + Array("testing".utf8))
    #expect(Sample.with { $0.inner.a = 150 }.encoded() == [0x1A, 0x03, 0x08, 0x96, 0x01])
    #expect(
      Sample.with { $0.packed = [3, 270, 86942] }.encoded()
        == [0x32, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05])
  }

  /// Numbers may be packed or not, however their field is declared.
  @Test func packedAndUnpackedNumbersAreTheSame() throws {
    #expect(try Sample(encoded: [0x30, 3, 0x30, 5]).packed == [3, 5])
    #expect(try Sample(encoded: [0x3A, 2, 3, 5, 0x38, 7]).unpacked == [3, 5, 7])
  }

  /// What is default but given is written; what is not given is not.
  @Test func presenceIsKept() throws {
    #expect(Sample().encoded().isEmpty)
    let given = try Sample(encoded: Sample.with { $0.number = 0 }.encoded()[...])
    #expect(given.$number == 0 && given.$text == nil)
  }

  /// Of a value given twice the last counts; of a message, of each of its fields.
  @Test func laterFieldsAreMerged() throws {
    #expect(try Sample(encoded: [8, 1, 8, 2]).number == 2)
    let inner = try Sample(encoded: [0x1A, 4, 8, 1, 16, 2, 0x1A, 2, 8, 3]).inner
    #expect(inner.a == 3 && inner.b == 2)
  }

  /// Unknown fields of every type, known ones of another type, and enumerations' unknown cases.
  @Test(
    arguments: [
      [0x68, 1], [0x69, 1, 2, 3, 4, 5, 6, 7, 8], [0x6A, 2, 1, 2], [0x6D, 1, 2, 3, 4],
      [0x6B, 0x08, 1, 0x73, 0x74, 0x6C], [0x0A, 1, 1], [0xE0, 0x12, 9],
    ] as [[UInt8]])
  func othersAreSkipped(_ bytes: [UInt8]) throws {
    #expect(try Sample(encoded: bytes + [0x12, 1, 0x61]) == .with { $0.text = "a" })
  }

  /// Cut off, of no type, without a number, not text, or groups that do not end.
  @Test(
    arguments: [
      [8], [8, 0x80], [0x12, 2, 0x61],
      [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
      [0x25, 1, 2, 3], [0x0E, 1], [0x0F, 1], [0x00, 1], [0x12, 1, 0xFF], [0x6C], [0x6B, 0x08, 1],
      [0x6B, 0x74], [0x32, 1, 0x80], [8] + Array(repeating: 0x80, count: 10) + [1],
      Array(repeating: 0x6B, count: 17) + Array(repeating: 0x6C, count: 17),
    ] as [[UInt8]])
  func damageIsRefused(_ bytes: [UInt8]) {
    #expect(throws: WireError.self) { try Sample(encoded: bytes[...]) }
  }
}
