/// What one field of a message holds, by its type in protocol buffers' wire format.
///
/// Source: <https://protobuf.dev/programming-guides/encoding/>.
enum WireValue {
  case varint(UInt64)
  case fixed64(UInt64)
  case bytes(ArraySlice<UInt8>)
  case fixed32(UInt32)

  /// The lowest three bits of a field's key.
  var type: UInt64 {
    switch self {
    case .varint: 0
    case .fixed64: 1
    case .bytes: 2
    case .fixed32: 5
    }
  }
}

/// Bytes that do not follow the wire format: damaged, or cut off.
struct WireError: Error {}

extension ArraySlice<UInt8> {
  /// The number of seven bits a byte, the lowest first, at the beginning, and how many bytes it takes.
  func leadingVarint() -> (number: UInt64, count: Int)? {
    var number: UInt64 = 0
    for (index, byte) in prefix(10).enumerated() {
      number |= UInt64(byte & 0x7F) << (7 * index)
      if byte < 0x80 { return (number, index + 1) }
    }
    return nil
  }
}

/// Reads the fields of one message, or the numbers of a packed field.
///
/// Bytes are shared with what they are read from, not copied.
struct WireReader {
  private var rest: ArraySlice<UInt8>

  /// How deep groups, which ONNX has none of, may be nested where they are skipped.
  private static let deepestGroup = 16

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  /// The next field but for groups, which are skipped; nil at the end.
  mutating func field() throws(WireError) -> (number: Int, value: WireValue)? {
    while !isAtEnd {
      let (number, type) = try key()
      if type == 3 {
        try skipGroup(number, depth: 0)
      } else {
        return (number, try value(ofType: type))
      }
    }
    return nil
  }

  mutating func value(ofType type: UInt64) throws(WireError) -> WireValue {
    switch type {
    case 0: return .varint(try varint())
    case 1: return .fixed64(try fixed())
    case 2:
      let count = try varint()
      guard count <= UInt64(rest.count) else { throw WireError() }
      return .bytes(try take(Int(count)))
    case 5: return .fixed32(try fixed())
    default: throw WireError()
    }
  }

  private mutating func key() throws(WireError) -> (number: Int, type: UInt64) {
    let key = try varint()
    guard key <= UInt64(UInt32.max), key >> 3 > 0 else { throw WireError() }
    return (Int(key >> 3), key & 7)
  }

  private mutating func skipGroup(_ number: Int, depth: Int) throws(WireError) {
    guard depth < WireReader.deepestGroup else { throw WireError() }
    while true {
      let (inner, type) = try key()
      switch type {
      case 3: try skipGroup(inner, depth: depth + 1)
      case 4 where inner == number: return
      default: _ = try value(ofType: type)
      }
    }
  }

  private mutating func varint() throws(WireError) -> UInt64 {
    guard let (number, count) = rest.leadingVarint() else { throw WireError() }
    rest = rest.dropFirst(count)
    return number
  }

  /// A little-endian number of fixed size.
  private mutating func fixed<Number: FixedWidthInteger>() throws(WireError) -> Number {
    let bytes = try take(MemoryLayout<Number>.size)
    return bytes.reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  private mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw WireError() }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }
}

/// Writes fields, or counts the bytes that they take.
///
/// A message's length stands before it, so it is counted first: a large tensor is then copied once.
struct WireWriter {
  private(set) var bytes: [UInt8] = []
  private(set) var count = 0
  private let isCounting: Bool

  init(isCounting: Bool = false) { self.isCounting = isCounting }

  mutating func append(_ number: Int, _ value: WireValue) {
    append(varint: UInt64(number) << 3 | value.type)
    append(value)
  }

  mutating func append(_ value: WireValue) {
    switch value {
    case .varint(let number): append(varint: number)
    case .fixed64(let number): withUnsafeBytes(of: number.littleEndian) { append($0) }
    case .fixed32(let number): withUnsafeBytes(of: number.littleEndian) { append($0) }
    case .bytes(let bytes):
      append(varint: UInt64(bytes.count))
      append(bytes)
    }
  }

  /// The beginning of a field of bytes.
  mutating func append(_ number: Int, length: Int) {
    append(varint: UInt64(number) << 3 | 2)
    append(varint: UInt64(length))
  }

  private mutating func append(varint number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(CollectionOfOne(UInt8(truncatingIfNeeded: rest) | 0x80))
      rest >>= 7
    }
    append(CollectionOfOne(UInt8(rest)))
  }

  /// Fields that are encoded already.
  mutating func append(_ bytes: some Collection<UInt8>) {
    count += bytes.count
    if !isCounting { self.bytes.append(contentsOf: bytes) }
  }
}
