/// A control message between ranks.
struct Note: Equatable, Sendable {
  enum Kind: UInt8, Sendable {
    /// A heartbeat; the text is the sender's host name.
    case sign = 1
    /// Asks for a heartbeat; the text is the sender's host name.
    case question = 2
    /// The job cannot go on; the text says why.
    case failure = 3
    /// A farewell: the sender sends nothing more.
    case farewell = 4
  }

  /// The length of every note in bytes.
  static let length = 1024

  var kind: Kind
  var text = ""

  /// Writes the note: its kind, the text's length in two bytes, and the text, which is truncated if
  /// it is too long.
  func write(to bytes: UnsafeMutableRawBufferPointer) {
    var text = Substring(text)
    while text.utf8.count > Note.length - 3 { text.removeLast() }
    bytes[0] = kind.rawValue
    bytes[1] = UInt8(text.utf8.count >> 8)
    bytes[2] = UInt8(text.utf8.count & 0xFF)
    UnsafeMutableRawBufferPointer(rebasing: bytes[3...]).copyBytes(from: text.utf8)
  }

  /// Reads a note; nil if the bytes are not one.
  static func read(from bytes: UnsafeRawBufferPointer) -> Note? {
    guard bytes.count == length, let kind = Kind(rawValue: bytes[0]) else { return nil }
    let count = Int(bytes[1]) << 8 | Int(bytes[2])
    guard count <= length - 3 else { return nil }
    return Note(kind: kind, text: String(decoding: bytes[3..<3 + count], as: UTF8.self))
  }
}
