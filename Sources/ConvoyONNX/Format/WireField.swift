/// A message: its fields are told once, for reading and writing.
protocol WireMessage: Sendable {
  init()
  /// By ascending number, the order in which they are written.
  static var fields: [WireField<Self>] { get }
}

extension WireMessage {
  /// Reads a message, skipping fields that are not known.
  ///
  /// - Throws: `WireError` when the bytes are damaged or cut off.
  /// - Complexity: O(*n*) in the number of bytes; fields of bytes share them.
  init(encoded bytes: ArraySlice<UInt8>) throws(WireError) {
    self.init()
    try merge(bytes)
  }

  /// The message in the wire format.
  func encoded() -> [UInt8] {
    var writer = WireWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Reads fields over those there are; repeated ones are appended to.
  fileprivate mutating func merge(_ bytes: ArraySlice<UInt8>) throws(WireError) {
    var reader = WireReader(bytes)
    while let (number, value) = try reader.field() {
      try Self.fields.first { $0.number == number }?.read(&self, value)
    }
  }

  fileprivate func write(to writer: inout WireWriter) {
    for field in Self.fields { field.write(self, &writer) }
  }

  fileprivate func write(_ number: Int, to writer: inout WireWriter) {
    var measure = WireWriter(isCounting: true)
    write(to: &measure)
    writer.append(number, length: measure.count)
    write(to: &writer)
  }
}

/// A value that a message may lack: it then reads as its default, and `$name` is nil.
@propertyWrapper struct Singular<Value: Sendable>: Sendable {
  private let missing: Value
  var projectedValue: Value?

  init(wrappedValue: Value) { missing = wrappedValue }

  var wrappedValue: Value {
    get { projectedValue ?? missing }
    set { projectedValue = newValue }
  }
}

/// How a type is kept in a field's value.
///
/// A value of another wire type is skipped, as an unknown field is.
struct WireCoding<Value: Sendable>: Sendable {
  let decode: @Sendable (WireValue) throws(WireError) -> Value?
  let encode: @Sendable (Value) -> WireValue
}

extension WireCoding where Value: FixedWidthInteger {
  /// A negative number is extended to 64 bits.
  static var integer: WireCoding {
    WireCoding { value throws(WireError) in
      if case .varint(let bits) = value { Value(truncatingIfNeeded: bits) } else { nil }
    } encode: {
      .varint(UInt64(truncatingIfNeeded: $0))
    }
  }
}

extension WireCoding where Value: RawRepresentable<Int32> {
  /// A number that is no case is skipped.
  static var enumeration: WireCoding {
    WireCoding { value throws(WireError) in
      try WireCoding<Int32>.integer.decode(value).flatMap { Value(rawValue: $0) }
    } encode: {
      WireCoding<Int32>.integer.encode($0.rawValue)
    }
  }
}

extension WireCoding<Float> {
  static var float: WireCoding {
    WireCoding { value throws(WireError) in
      if case .fixed32(let bits) = value { Float(bitPattern: bits) } else { nil }
    } encode: {
      .fixed32($0.bitPattern)
    }
  }
}

extension WireCoding<Double> {
  static var double: WireCoding {
    WireCoding { value throws(WireError) in
      if case .fixed64(let bits) = value { Double(bitPattern: bits) } else { nil }
    } encode: {
      .fixed64($0.bitPattern)
    }
  }
}

extension WireCoding<ArraySlice<UInt8>> {
  static var bytes: WireCoding {
    WireCoding { value throws(WireError) in
      if case .bytes(let bytes) = value { bytes } else { nil }
    } encode: {
      .bytes($0)
    }
  }
}

extension WireCoding<String> {
  static var text: WireCoding {
    WireCoding { value throws(WireError) in
      guard case .bytes(let bytes) = value else { return nil }
      guard let text = String(validating: bytes, as: UTF8.self) else { throw WireError() }
      return text
    } encode: {
      .bytes(ArraySlice($0.utf8))
    }
  }
}

/// A field of a message: its number, and how the property that holds it is read and written.
struct WireField<Message: WireMessage>: Sendable {
  typealias Path<Value> = any WritableKeyPath<Message, Value> & Sendable

  let number: Int
  let read: @Sendable (inout Message, WireValue) throws(WireError) -> Void
  let write: @Sendable (Message, inout WireWriter) -> Void

  /// The last value counts.
  static func singular<Value: Sendable>(
    _ number: Int, _ path: Path<Value?>, _ coding: WireCoding<Value>
  ) -> WireField {
    WireField(number: number) { message, value throws(WireError) in
      if let value = try coding.decode(value) { message[keyPath: path] = value }
    } write: { message, writer in
      if let value = message[keyPath: path] { writer.append(number, coding.encode(value)) }
    }
  }

  static func repeated<Value: Sendable>(
    _ number: Int, _ path: Path<[Value]>, _ coding: WireCoding<Value>
  ) -> WireField {
    WireField(number: number) { message, value throws(WireError) in
      if let value = try coding.decode(value) { message[keyPath: path].append(value) }
    } write: { message, writer in
      for value in message[keyPath: path] { writer.append(number, coding.encode(value)) }
    }
  }

  /// Numbers, which are read packed into one value or each in its own, and written as declared.
  static func numbers<Value: Numeric & Sendable>(
    _ number: Int, _ path: Path<[Value]>, _ coding: WireCoding<Value>, isPacked: Bool = false
  ) -> WireField {
    let single = repeated(number, path, coding)
    let type = coding.encode(0).type
    return WireField(number: number) { message, value throws(WireError) in
      guard case .bytes(let bytes) = value else { return try single.read(&message, value) }
      var reader = WireReader(bytes)
      while !reader.isAtEnd { try single.read(&message, try reader.value(ofType: type)) }
    } write: { message, writer in
      guard isPacked else { return single.write(message, &writer) }
      if message[keyPath: path].isEmpty { return }
      var packed = WireWriter()
      for value in message[keyPath: path] { packed.append(coding.encode(value)) }
      writer.append(number, .bytes(packed.bytes[...]))
    }
  }

  /// Messages that are given more than once are one.
  static func message<Inner: WireMessage>(_ number: Int, _ path: Path<Inner?>) -> WireField {
    WireField(number: number) { message, value throws(WireError) in
      guard case .bytes(let bytes) = value else { return }
      var inner = message[keyPath: path] ?? Inner()
      try inner.merge(bytes)
      message[keyPath: path] = inner
    } write: { message, writer in
      message[keyPath: path]?.write(number, to: &writer)
    }
  }

  static func messages<Inner: WireMessage>(_ number: Int, _ path: Path<[Inner]>) -> WireField {
    WireField(number: number) { message, value throws(WireError) in
      guard case .bytes(let bytes) = value else { return }
      message[keyPath: path].append(try Inner(encoded: bytes))
    } write: { message, writer in
      for inner in message[keyPath: path] { inner.write(number, to: &writer) }
    }
  }
}
