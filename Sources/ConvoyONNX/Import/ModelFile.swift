import ConvoyFormats
import ConvoyTensors

/// A model's file without its weights' bytes, which stay where they are until each is needed: a network of
/// hundreds of MiB is then in memory once.
///
/// Only the way to those bytes is walked here (model, graph, initialiser, raw data); all else is copied for the
/// parser of protocol buffers, which sees initialisers without data.
struct ModelFile {
  let file: RandomAccessFile
  /// The model but for the initialisers' large data.
  private(set) var bytes: [UInt8] = []
  /// Where the data are, by the initialiser's position in the graph.
  private(set) var data: [Int: Range<Int>] = [:]
  private var initializers = 0
  /// A piece of the file that was read last: most fields are small, and follow one another.
  private var window: [UInt8] = []
  private var windowStart = 0

  /// Data of fewer bytes stay in place.
  private static let leastData = 1 << 10

  /// - Returns: nil where the bytes do not follow the format; the parser will say so.
  init?(_ file: RandomAccessFile) throws(ConvoyError) {
    self.file = file
    guard let bytes = try copy(0..<file.size, within: .model) else { return nil }
    self.bytes = bytes
    window = []
  }

  /// The messages on the way, with the fields that lead on.
  private enum Message {
    case model, graph, initializer

    /// The message a field holds, if it is one on the way.
    func child(_ field: UInt64) -> Message? {
      switch (self, field) {
      case (.model, 7): .graph
      case (.graph, 5): .initializer
      default: nil
      }
    }
  }

  /// A message's bytes without the data in it; nil where it is malformed.
  private mutating func copy(_ part: Range<Int>, within message: Message) throws(ConvoyError)
    -> [UInt8]?
  {
    var result: [UInt8] = []
    var position = part.lowerBound
    let number = initializers
    if message == .initializer { initializers += 1 }
    while position < part.upperBound {
      let start = position
      guard let key = try varint(&position, before: part.upperBound) else { return nil }
      let end: Int
      switch key & 7 {
      case 0:
        guard try varint(&position, before: part.upperBound) != nil else { return nil }
        end = position
      case 1: end = position + 8
      case 2:
        guard let length = try varint(&position, before: part.upperBound),
          length <= UInt64(part.upperBound - position)
        else { return nil }
        end = position + Int(length)
      case 5: end = position + 4
      default: return nil
      }
      guard end <= part.upperBound else { return nil }
      let body = position..<end
      position = end
      if key & 7 == 2, let child = message.child(key >> 3) {
        guard let copied = try copy(body, within: child) else { return nil }
        result.append(varint: key)
        result.append(varint: UInt64(copied.count))
        result += copied
      } else if message == .initializer, key == 9 << 3 | 2, body.count >= ModelFile.leastData {
        data[number] = body
      } else {
        // The last of several counts.
        if message == .initializer, key == 9 << 3 | 2 { data[number] = nil }
        result += try fileBytes(start..<end)
      }
    }
    return result
  }

  private mutating func fileBytes(_ part: Range<Int>) throws(ConvoyError) -> ArraySlice<UInt8> {
    let most = 1 << 12
    if part.count > most { return try file.bytes(part)[...] }
    if part.lowerBound < windowStart || part.upperBound > windowStart + window.count {
      window = try file.bytes(part.lowerBound..<min(file.size, part.lowerBound + most))
      windowStart = part.lowerBound
    }
    return window[part.lowerBound - windowStart..<part.upperBound - windowStart]
  }

  /// Reads a number of seven bits a byte, the lowest first.
  private mutating func varint(_ position: inout Int, before end: Int) throws(ConvoyError)
    -> UInt64?
  {
    let bytes = try fileBytes(position..<min(end, position + 10))
    var number: UInt64 = 0
    for (index, byte) in bytes.enumerated() {
      number |= UInt64(byte & 0x7F) << (7 * index)
      if byte < 0x80 {
        position += index + 1
        return number
      }
    }
    return nil
  }
}

extension [UInt8] {
  fileprivate mutating func append(varint number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
