/// Reads the JSON of a safetensors header, token by token.
///
/// The header's grammar has a fixed depth: an object of objects of strings and of lists of counts.
/// A scanner that knows only this needs no recursion, so no input can exhaust the stack, and it
/// sees repeated keys, which general JSON readers drop silently.
struct HeaderScanner: ~Copyable {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    self.position = bytes.startIndex
  }

  /// Reads `{ "key": …, … }`, calling a closure to read each key's value.
  mutating func object(
    _ member: (String, inout HeaderScanner) throws(Malformed) -> Void
  ) throws(Malformed) {
    try expect("{")
    if skip("}") { return }
    repeat {
      let key = try string()
      try expect(":")
      try member(key, &self)
    } while skip(",")
    try expect("}")
  }

  /// Reads `[1, 2, …]`: counts from 0 up.
  mutating func counts() throws(Malformed) -> [Int] {
    try expect("[")
    var counts: [Int] = []
    if skip("]") { return counts }
    repeat { counts.append(try count()) } while skip(",")
    try expect("]")
    return counts
  }

  /// Reads a string, resolving its escapes.
  mutating func string() throws(Malformed) -> String {
    try expect("\"")
    var text: [UInt8] = []
    while position < bytes.endIndex {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          throw error("text in UTF-8")
        }
        return string
      case UInt8(ascii: "\\"): text.append(contentsOf: try escape().utf8)
      case 0..<0x20: throw error("an escape instead of a control character")
      default: text.append(byte)
      }
    }
    throw error("the end of a string")
  }

  /// Checks that nothing but spaces follows.
  mutating func end() throws(Malformed) {
    skipSpaces()
    guard position == bytes.endIndex else { throw error("nothing but spaces") }
  }

  // MARK: - Tokens

  private mutating func count() throws(Malformed) -> Int {
    skipSpaces()
    let start = position
    var count = 0
    while position < bytes.endIndex, case let digit = bytes[position] &- UInt8(ascii: "0"),
      digit < 10
    {
      let (tens, overflow) = count.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Int(digit))
      guard !overflow, !carry else { throw error("a count below 2⁶³") }
      count = sum
      position += 1
    }
    guard position > start else { throw error("a count") }
    return count
  }

  /// What stands after a backslash.
  private mutating func escape() throws(Malformed) -> Character {
    guard position < bytes.endIndex else { throw error("an escape") }
    let letter = bytes[position]
    position += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      return Character(Unicode.Scalar(letter))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var units = [try codeUnit()]
      if UTF16.isLeadSurrogate(units[0]), bytes[position...].starts(with: "\\u".utf8) {
        position += 2
        units.append(try codeUnit())
      }
      guard let text = String(validating: units, as: UTF16.self) else {
        throw error("a Unicode character")
      }
      return Character(text)
    default: throw error("an escape of JSON")
    }
  }

  /// Four hexadecimal digits.
  private mutating func codeUnit() throws(Malformed) -> UInt16 {
    let digits = bytes[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw error("four hexadecimal digits") }
    position += 4
    return unit
  }

  private mutating func expect(_ token: Unicode.Scalar) throws(Malformed) {
    guard skip(token) else { throw error("‘\(token)’") }
  }

  private mutating func skip(_ token: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: token) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpaces() {
    while position < bytes.endIndex {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private func error(_ expected: String) -> Malformed {
    Malformed("\(expected) is expected at byte \(position - bytes.startIndex) of its header")
  }
}
