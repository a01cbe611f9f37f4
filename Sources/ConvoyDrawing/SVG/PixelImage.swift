public import ConvoyTensors

/// A raster image inside a picture or a page: PNG without compression.
///
/// Source: ISO/IEC 15948, "Portable Network Graphics"; RFC 1950 and 1951 for the stored blocks.
public struct PixelImage: Hashable, Sendable {
  /// The number of pixels in a row.
  public let width: Int
  /// The number of rows.
  public let height: Int
  /// Red, green and blue, row by row.
  public let pixels: [UInt8]

  init(width: Int, height: Int, pixels: [UInt8]) {
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  /// Converts an image as networks read it: three channels are colours, and of any other number the
  /// mean is shown in grey.
  ///
  /// - Parameters:
  ///   - image: channels×height×width, or 1×channels×height×width, in 0…1; other numbers are
  ///     clamped, and NaN is black.
  ///   - side: the largest height and width; of a larger image, squares of pixels are averaged.
  /// - Throws: `ConvoyError` of kind `.shape` when the image has no pixels.
  public init(_ image: Tensor, atMost side: Int) throws(ConvoyError) {
    let extents = Array(image.shape.dimensions.suffix(3))
    guard extents.count == 3, image.shape.elementCount == extents.reduce(1, *),
      image.shape.elementCount > 0, side >= 1
    else {
      throw ConvoyError(
        .shape, "An image of channels×height×width is expected, got \(image.shape).")
    }
    let (channels, rows, columns) = (extents[0], extents[1], extents[2])
    let factor = max(1, (max(rows, columns) + side - 1) / side)
    let (height, width) = (max(1, rows / factor), max(1, columns / factor))
    func value(_ channel: Int, _ row: Int, _ column: Int) -> Double {
      var (sum, count) = (0.0, 0.0)
      for y in row * factor..<min(rows, (row + 1) * factor) {
        for x in column * factor..<min(columns, (column + 1) * factor) {
          let number = Double(image.elements[(channel * rows + y) * columns + x])
          sum += number >= 0 ? min(1, number) : 0
          count += 1
        }
      }
      return sum / max(1, count)
    }
    var pixels: [UInt8] = []
    for row in 0..<height {
      for column in 0..<width {
        let values = (0..<channels).map { value($0, row, column) }
        let grey = values.reduce(0, +) / Double(channels)
        pixels += (channels == 3 ? values : [grey, grey, grey]).map { UInt8(($0 * 255).rounded()) }
      }
    }
    self.init(width: width, height: height, pixels: pixels)
  }

  /// `data:image/png;base64,…`.
  var dataURL: String { "data:image/png;base64," + PixelImage.base64(png) }

  var png: [UInt8] {
    var bytes: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    // Eight bits for each sample, true colour, no interlacing.
    append(
      "IHDR",
      PixelImage.bigEndian(UInt32(width)) + PixelImage.bigEndian(UInt32(height))
        + [8, 2, 0, 0, 0], to: &bytes)
    var rows: [UInt8] = []
    for row in 0..<height {
      // Each row begins with its filter, 0: none.
      rows.append(0)
      rows += pixels[row * 3 * width..<(row + 1) * 3 * width]
    }
    append("IDAT", PixelImage.stored(rows), to: &bytes)
    append("IEND", [], to: &bytes)
    return bytes
  }

  private func append(_ type: String, _ data: [UInt8], to bytes: inout [UInt8]) {
    let body = Array(type.utf8) + data
    bytes +=
      PixelImage.bigEndian(UInt32(data.count)) + body
      + PixelImage.bigEndian(PixelImage.checksum(body))
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  /// A zlib stream of stored blocks, which are not compressed.
  private static func stored(_ data: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0x78, 0x01]
    var start = 0
    repeat {
      let end = min(start + 65535, data.count)
      let count = UInt16(end - start)
      bytes.append(end == data.count ? 1 : 0)
      for value in [count, ~count] {
        bytes += [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
      }
      bytes += data[start..<end]
      start = end
    } while start < data.count
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in data {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return bytes + bigEndian(b << 16 | a)
  }

  /// CRC-32 as PNG defines it.
  static func checksum(_ data: [UInt8]) -> UInt32 {
    var register: UInt32 = 0xFFFF_FFFF
    for byte in data {
      register ^= UInt32(byte)
      for _ in 0..<8 { register = register & 1 == 1 ? register >> 1 ^ 0xEDB8_8320 : register >> 1 }
    }
    return ~register
  }

  static func base64(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let part = bytes[start..<min(start + 3, bytes.count)]
      var bits: UInt32 = 0
      for index in 0..<3 {
        bits = bits << 8 | (index < part.count ? UInt32(part[start + index]) : 0)
      }
      for index in 0..<4 {
        let letter = letters[Int(bits >> UInt32(18 - 6 * index) & 63)]
        text.append(index <= part.count ? letter : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension Element {
  /// An image with sharp pixels.
  static func image(_ image: PixelImage, in box: Box) -> Element {
    Element(
      name: "image",
      attributes: [
        ("x", SVGNumber.text(box.x)), ("y", SVGNumber.text(box.y)),
        ("width", SVGNumber.text(box.width)), ("height", SVGNumber.text(box.height)),
        ("preserveAspectRatio", "none"), ("style", "image-rendering:pixelated"),
        ("href", image.dataURL),
      ], bounds: box)
  }
}
