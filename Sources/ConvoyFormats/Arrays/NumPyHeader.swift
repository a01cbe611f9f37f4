import ConvoyTensors

/// What a `.npy` file says about its elements: Python's literal of a dictionary.
struct NumPyHeader {
  let type: ElementType
  let isBigEndian: Bool
  let isFortran: Bool
  let shape: Shape

  /// The size of the elements. A shape has at most 2⁴⁰ of at most 8 bytes, so that nothing overflows.
  var byteCount: Int { shape.elementCount * type.size }

  /// Reads what stands before the elements, and finds where they begin.
  static func parse(_ bytes: [UInt8]) throws(Malformed) -> (header: NumPyHeader, start: Int) {
    guard NumPyArray.isBeginning(of: bytes) else {
      throw Malformed("it should begin with the bytes 93 4E 55 4D 50 59")
    }
    guard bytes.count >= 10 else {
      throw Malformed("a version and the header's length are expected, but it ends before them")
    }
    guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
      throw Malformed("version 1.0, 2.0 or 3.0 is expected, got \(bytes[6]).\(bytes[7])")
    }
    let lengthSize = bytes[6] == 1 ? 2 : 4
    guard bytes.count >= 8 + lengthSize else {
      throw Malformed("the header's length is expected, but it ends before it")
    }
    let length = bytes[8..<8 + lengthSize].reversed().reduce(0) { $0 << 8 | Int($1) }
    let start = 8 + lengthSize + length
    guard start <= bytes.count else {
      throw Malformed(
        "its header should have \(length) bytes, but only \(bytes.count - 8 - lengthSize) follow")
    }
    return (try NumPyHeader(bytes[8 + lengthSize..<start]), start)
  }

  private init(_ text: ArraySlice<UInt8>) throws(Malformed) {
    var scanner = LiteralScanner(text)
    var (description, isFortran, extents) = (String?.none, Bool?.none, [Int]?.none)
    try scanner.expect("{")
    while !scanner.skip("}") {
      let key = try scanner.string()
      try scanner.expect(":")
      switch key {
      case "descr" where description == nil: description = try scanner.string()
      case "fortran_order" where isFortran == nil: isFortran = try scanner.truth()
      case "shape" where extents == nil: extents = try scanner.counts()
      case "descr", "fortran_order", "shape":
        throw Malformed("its header names ‘\(key)’ twice")
      default: throw Malformed("its header has an entry ‘\(key)’ that the format does not know")
      }
      if !scanner.skip(",") {
        try scanner.expect("}")
        break
      }
    }
    try scanner.end()
    guard let description, let isFortran, let extents else {
      throw Malformed("its header needs a descr, a fortran_order and a shape")
    }
    (type, isBigEndian) = try Self.elementType(description)
    self.isFortran = isFortran
    do {
      shape = try Shape(validating: extents)
    } catch {
      throw Malformed("its shape is one Convoy cannot hold (\(error))")
    }
  }

  /// `<f4`: the byte order, the sort of number and its bytes.
  private static func elementType(
    _ description: String
  ) throws(Malformed) -> (type: ElementType, isBigEndian: Bool) {
    guard let order = description.first, "<>=|".contains(order),
      let type = ElementType(numPyName: description.dropFirst()), order != "|" || type.size == 1
    else {
      throw Malformed(
        "its descr is ‘\(description)’, but a byte order (<, > or |) and one of "
          + ElementType.allCases.compactMap(\.numPyName).sorted().joined(separator: ", ")
          + " are expected")
    }
    // No machine that Convoy runs on is big-endian: what is native is little-endian.
    return (type, order == ">")
  }

}

extension ElementType {
  /// How NumPy spells the type, behind the byte order: `f4`; nil for bfloat16, which it lacks.
  var numPyName: String? {
    switch self {
    case .bool: "b1"
    case .int8: "i1"
    case .int16: "i2"
    case .int32: "i4"
    case .int64: "i8"
    case .uint8: "u1"
    case .uint16: "u2"
    case .uint32: "u4"
    case .uint64: "u8"
    case .float16: "f2"
    case .float32: "f4"
    case .float64: "f8"
    case .bfloat16: nil
    }
  }

  fileprivate init?(numPyName name: Substring) {
    guard let type = ElementType.allCases.first(where: { $0.numPyName == String(name) }) else {
      return nil
    }
    self = type
  }
}

/// Reads those literals of Python that headers consist of, token by token.
private struct LiteralScanner {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// Takes a character if it comes next.
  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else {
      return false
    }
    position += 1
    return true
  }

  /// Takes a character that must come next.
  mutating func expect(_ character: Unicode.Scalar) throws(Malformed) {
    guard skip(character) else { throw error("‘\(character)’") }
  }

  /// Reads `'text'` or `"text"`, without escapes.
  mutating func string() throws(Malformed) -> String {
    let quote: UInt8
    if skip("'") {
      quote = UInt8(ascii: "'")
    } else if skip("\"") {
      quote = UInt8(ascii: "\"")
    } else {
      throw error("text in quotes")
    }
    guard let end = bytes[position...].firstIndex(of: quote),
      let text = String(validating: bytes[position..<end], as: UTF8.self)
    else { throw error("the end of a text in quotes") }
    position = end + 1
    return text
  }

  /// Reads `True` or `False`.
  mutating func truth() throws(Malformed) -> Bool {
    skipSpaces()
    for (word, value) in [("True", true), ("False", false)]
    where bytes[position...].starts(with: word.utf8) {
      position += word.utf8.count
      return value
    }
    throw error("True or False")
  }

  /// Reads `(1, 2, …)`: counts from 0 up.
  mutating func counts() throws(Malformed) -> [Int] {
    try expect("(")
    var counts: [Int] = []
    while !skip(")") {
      counts.append(try count())
      if !skip(",") {
        try expect(")")
        break
      }
    }
    return counts
  }

  private mutating func count() throws(Malformed) -> Int {
    skipSpaces()
    let digits = bytes[position...].prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard let count = Int(String(decoding: digits, as: UTF8.self)) else {
      throw error("a count below 2⁶³")
    }
    position = digits.endIndex
    // Files that Python 2 wrote mark long numbers.
    _ = skip("L")
    return count
  }

  /// Checks that nothing but spaces follows.
  mutating func end() throws(Malformed) {
    skipSpaces()
    guard position == bytes.endIndex else { throw error("the header's end") }
  }

  private mutating func skipSpaces() {
    while position < bytes.endIndex, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
      position += 1
    }
  }

  private func error(_ expected: String) -> Malformed {
    Malformed("\(expected) is expected at byte \(position - bytes.startIndex) of its header")
  }
}
