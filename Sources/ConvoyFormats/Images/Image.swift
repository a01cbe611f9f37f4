public import ConvoyTensors

/// A picture of 8-bit pixels, grey or in colour.
public struct Image: Hashable, Sendable {
  /// The number of columns, at least 1.
  public let width: Int

  /// The number of rows, at least 1.
  public let height: Int

  /// 1 for grey, 3 for red, green and blue.
  public let channels: Int

  /// The pixels row by row from the top left, a pixel's channels together, 0 (dark) … 255.
  public let pixels: [UInt8]

  /// Makes a picture from its pixels.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the size is not one a picture can have or the
  ///   number of pixels does not fit it.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) throws(ConvoyError) {
    let size = try Image.checkedSize(width: width, height: height, channels: channels)
    guard pixels.count == size else {
      throw ConvoyError(
        .shape,
        "A picture of \(width)×\(height) pixels and \(channels) channels has \(size) bytes, "
          + "got \(pixels.count).")
    }
    self.init(width, height, channels, pixels)
  }

  /// Makes a picture whose size has been checked.
  init(_ width: Int, _ height: Int, _ channels: Int, _ pixels: [UInt8]) {
    precondition(pixels.count == width * height * channels)
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// The most pixels a picture may have, 2²⁸: four times the largest camera's.
  public static let maximumPixelCount = 1 << 28

  /// The number of bytes of a picture, once its size is known to be sane.
  static func checkedSize(width: Int, height: Int, channels: Int) throws(ConvoyError) -> Int {
    guard channels == 1 || channels == 3 else {
      throw ConvoyError(.shape, "A picture has 1 channel or 3, got \(channels).")
    }
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    guard width >= 1, height >= 1, !overflow, count <= maximumPixelCount else {
      throw ConvoyError(
        .shape,
        "A picture has at least 1×1 and at most \(maximumPixelCount) pixels, "
          + "got \(width)×\(height).")
    }
    return count * channels
  }
}

extension Image: CustomStringConvertible {
  /// The size, and whether the picture is grey or in colour.
  public var description: String {
    "Image(\(width)×\(height), \(channels == 1 ? "grey" : "colour"))"
  }
}

// MARK: - As tensors

extension Image {
  /// The picture as a network's input, of shape `[1, channels, height, width]`: each value is
  /// (*pixel* ∕ 255 − *mean*) ∕ *deviation* of its channel.
  ///
  /// - Parameters:
  ///   - mean: one number a channel, as a fraction of full brightness.
  ///   - deviation: one positive number a channel.
  /// - Throws: `ConvoyError` of kind `.argument` when they are not one a channel, or a deviation is
  ///   not above zero.
  /// - Complexity: O(*n*) in the number of pixels.
  public func tensor(mean: [Float], deviation: [Float]) throws(ConvoyError) -> Tensor {
    guard mean.count == channels, deviation.count == channels else {
      throw ConvoyError(
        .argument,
        "A picture of \(channels) channels needs as many means and deviations, "
          + "got \(mean.count) and \(deviation.count).")
    }
    guard mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw ConvoyError(
        .argument, "Means must be finite and deviations above 0, got \(mean) and \(deviation).")
    }
    return Tensor(uninitialized: [1, channels, height, width]) { buffer in
      copyPlanes(into: buffer) { ($1 - mean[$0]) / deviation[$0] }
    }
  }

  /// Writes the picture channel by channel, each pixel first scaled to 0…1 and then put through a
  /// function of its channel and value.
  func copyPlanes(
    into buffer: UnsafeMutableBufferPointer<Float>, _ transform: (Int, Float) -> Float = { $1 }
  ) {
    precondition(buffer.count == pixels.count)
    let area = width * height
    for channel in 0..<channels {
      // A pixel has only 256 values, so the arithmetic is done once for each of them.
      let values = (0...255).map { transform(channel, Float($0) / 255) }
      for index in 0..<area {
        buffer.initializeElement(
          at: channel * area + index, to: values[Int(pixels[index * channels + channel])])
      }
    }
  }
}
