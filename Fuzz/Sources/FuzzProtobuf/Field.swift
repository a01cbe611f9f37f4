/// A field of a message in protocol buffers' binary form, without its schema.
final class Field {
  /// What it holds.
  enum Content {
    case number(UInt64)
    /// Of four or eight bytes.
    case fixed([UInt8])
    /// Text, numbers packed together, or a message that could not be read as one.
    case bytes([UInt8])
    case message([Field])
  }

  /// The field's number in its schema.
  let number: UInt64
  /// How many messages it lies in.
  let depth: Int
  var content: Content

  init(_ number: UInt64, _ depth: Int, _ content: Content) {
    self.number = number
    self.depth = depth
    self.content = content
  }

  /// A copy that shares nothing.
  func copy() -> Field {
    if case .message(let fields) = content {
      return Field(number, depth, .message(fields.map { $0.copy() }))
    }
    return Field(number, depth, content)
  }

  // MARK: Reading

  /// The fields of a message; nil where bytes are none. What could be a message is taken for one.
  static func parse(_ bytes: ArraySlice<UInt8>, depth: Int = 0) -> [Field]? {
    var fields: [Field] = []
    var rest = bytes
    while !rest.isEmpty {
      guard let key = varint(&rest), key >> 3 > 0, key >> 3 < 1 << 10 else { return nil }
      let content: Content
      switch key & 7 {
      case 0:
        guard let number = varint(&rest) else { return nil }
        content = .number(number)
      case 2:
        guard let count = varint(&rest), count <= rest.count else { return nil }
        let body = rest.prefix(Int(count))
        rest = rest.dropFirst(Int(count))
        let fields = body.isEmpty || depth == 8 ? nil : parse(body, depth: depth + 1)
        content = fields.map { .message($0) } ?? .bytes(Array(body))
      case 1, 5:
        let count = key & 7 == 1 ? 8 : 4
        guard rest.count >= count else { return nil }
        content = .fixed(Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      default: return nil
      }
      fields.append(Field(key >> 3, depth, content))
    }
    return fields
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for shift in stride(from: 0, to: 70, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      number |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return number }
    }
    return nil
  }

  // MARK: Writing

  /// The bytes of a message, with the lengths of all that it holds.
  static func encode(_ fields: [Field]) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ varint: UInt64) {
      var rest = varint
      while rest >= 0x80 {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    func append(_ field: Field, _ body: [UInt8]) {
      append(field.number << 3 | 2)
      append(UInt64(body.count))
      bytes += body
    }
    for field in fields {
      switch field.content {
      case .number(let number):
        append(field.number << 3)
        append(number)
      case .fixed(let body):
        append(field.number << 3 | (body.count == 8 ? 1 : 5))
        bytes += body
      case .bytes(let body): append(field, body)
      case .message(let fields): append(field, encode(fields))
      }
    }
    return bytes
  }
}
