import ConvoyTensors

/// PGM and PPM, plain (P2, P3) and binary (P5, P6): the formats of netpbm.
enum Anymap {
  /// Reads the first picture of a file; samples are scaled from the file's largest value to 255.
  static func decode(_ bytes: [UInt8]) throws(Malformed) -> Image {
    guard bytes.count >= 2 else { throw Malformed("it ends within its header") }
    let kind = bytes[1]
    let channels = kind == UInt8(ascii: "3") || kind == UInt8(ascii: "6") ? 3 : 1
    let isPlain = kind == UInt8(ascii: "2") || kind == UInt8(ascii: "3")
    var position = 2
    let width = try number(in: bytes, at: &position, "the width")
    let height = try number(in: bytes, at: &position, "the height")
    let largest = try number(in: bytes, at: &position, "the largest value")
    let size = try Malformed.passing { () throws(ConvoyError) in
      try Image.checkedSize(width: width, height: height, channels: channels)
    }
    guard (1...65535).contains(largest) else {
      throw Malformed("its largest value should be 1 … 65535, but is \(largest)")
    }
    // One white space ends the header; in a plain file, more may follow.
    position += 1

    let sampleSize = isPlain ? 2 : largest > 255 ? 2 : 1
    let rest = max(0, bytes.count - position)
    // A plain sample takes a digit and a space, though the last one needs no space.
    guard size * sampleSize <= rest + (isPlain ? 1 : 0) else {
      throw Malformed(
        "\(width)×\(height) pixels of \(channels) channels take \(size * sampleSize) bytes"
          + "\(isPlain ? " or more" : ""), but \(rest) follow the header")
    }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(size)
    for _ in 0..<size {
      var sample: Int
      if isPlain {
        sample = try number(in: bytes, at: &position, "a sample")
      } else {
        sample = Int(bytes[position])
        if sampleSize == 2 { sample = sample << 8 | Int(bytes[position + 1]) }
        position += sampleSize
      }
      guard sample <= largest else {
        throw Malformed("a sample should be at most \(largest), but is \(sample)")
      }
      pixels.append(UInt8((sample * 255 + largest / 2) / largest))
    }
    return Image(width, height, channels, pixels)
  }

  /// Reads a number after white space and comments (`# …` to the line's end).
  private static func number(
    in bytes: [UInt8], at position: inout Int, _ what: String
  ) throws(Malformed) -> Int {
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "#") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      } else if bytes[position] == UInt8(ascii: " ") || (9...13).contains(bytes[position]) {
        position += 1
      } else {
        break
      }
    }
    var value: Int?
    while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit < 10
    {
      value = (value ?? 0) * 10 + Int(digit)
      guard let value, value < 1 << 31 else { throw Malformed("\(what) is absurdly large") }
      position += 1
    }
    guard let value else { throw Malformed("\(what) is missing at byte \(position)") }
    return value
  }

  /// The bytes of a binary file: PGM for a grey picture, PPM for one in colour.
  static func encode(_ image: Image) -> [UInt8] {
    let kind = image.channels == 1 ? "P5" : "P6"
    return Array("\(kind)\n\(image.width) \(image.height)\n255\n".utf8) + image.pixels
  }
}
