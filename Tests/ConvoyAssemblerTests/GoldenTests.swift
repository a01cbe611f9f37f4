import ConvoyAssembler
import Foundation
import Testing

/// The encodings against those of another assembler.
///
/// All cases are compared with clang where it is installed. What clang agreed to is kept in
/// `Golden/instructions.txt`: the number of cases and a hash of all their bytes, then a selection to
/// read. Run with `CONVOY_RECORD_GOLDEN=1` to write it anew, which clang must agree to first.
@Suite struct GoldenTests {
  private static let cases = EncodedCases()
  private static let file = "instructions.txt"

  @Test func encodingsAreTheRecordedOnes() throws {
    let recorded = try #require(Bundle.module.url(forResource: "Golden", withExtension: nil))
    let golden = try String(contentsOf: recorded.appendingPathComponent(Self.file), encoding: .utf8)
    let expected = golden.split(separator: "\n")
    let actual = Self.cases.golden.split(separator: "\n")
    #expect(actual.count == expected.count)
    for (actual, expected) in zip(actual, expected) { #expect(actual == expected) }
  }

  @Test(.enabled(if: ReferenceAssembler() != nil, "clang is not installed"))
  func encodingsAreThoseOfClang() throws {
    let reference = try #require(ReferenceAssembler())
    let cases = Self.cases
    let expected = try reference.assemble(cases.lines.indices.map(cases.textForClang))
    let difference = zip(cases.bytes, expected).enumerated().first { $1.0 != $1.1 }
    if let position = difference?.offset {
      let line = (cases.lines.lastIndex { $0.position <= position }) ?? 0
      let size = cases.encoding(of: line).count
      let begin = cases.lines[line].position
      Issue.record(
        """
        \(cases.lines[line].text): encoded as \(hex(cases.encoding(of: line))), but clang's \
        begins \(hex(expected[begin..<min(begin + size, expected.count)]))
        """)
    }
    #expect(cases.bytes.count == expected.count)
    if cases.bytes == expected,
      ProcessInfo.processInfo.environment["CONVOY_RECORD_GOLDEN"] == "1"
    {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      let file = folder.appendingPathComponent("Golden").appendingPathComponent(Self.file)
      try cases.golden.write(to: file, atomically: true, encoding: .utf8)
    }
  }
}

/// All cases, encoded, with their texts.
private struct EncodedCases: Sendable {
  let bytes: [UInt8]
  let lines: [ListedLine]

  init() {
    let assembler = InstructionCases().a
    lines = assembler.listing
    bytes = assembler.finish("cases").bytes
  }

  func encoding(of line: Int) -> ArraySlice<UInt8> {
    let end = line + 1 < lines.count ? lines[line + 1].position : bytes.count
    return bytes[lines[line].position..<end]
  }

  /// The line for clang to encode as Convoy does.
  ///
  /// For copies, and for commutative instructions, clang swaps the operands where that saves the
  /// third byte of a VEX prefix. Convoy encodes what was written, and asks clang for the same.
  func textForClang(_ line: Int) -> String {
    let text = lines[line].text
    let encoding = encoding(of: line)
    guard encoding.count > 2, encoding[encoding.startIndex] == 0xC4,
      encoding[encoding.startIndex + 1] & 0x1F == 1, !text.contains("[")
    else { return text }
    return "{vex3} " + text
  }

  /// The file of goldens: number of cases and hash, then a selection of each mnemonic's cases.
  var golden: String {
    let hash = String(fnv1a(bytes), radix: 16)
    var text = "# \(lines.count) instructions, FNV-1a \(hash)\n"
    let mnemonics = Dictionary(grouping: lines.indices) { lines[$0].text.prefix { $0 != " " } }
    for group in mnemonics.values.sorted(by: { $0[0] < $1[0] }) {
      // Five cases, spread evenly from the first to the last.
      for line in Set((0..<5).map { group[$0 * (group.count - 1) / 4] }).sorted() {
        text += "\(hex(encoding(of: line)))  \(lines[line].text)\n"
      }
    }
    return text
  }
}

/// Bytes as pairs of hexadecimal digits.
func hex(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// Source: G. Fowler, L. C. Noll, K.-P. Vo, "The FNV non-cryptographic hash algorithm".
private func fnv1a(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
