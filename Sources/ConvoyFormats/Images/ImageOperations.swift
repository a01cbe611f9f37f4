public import ConvoyTensors

extension Image {
  /// The picture at another size, by linear interpolation; shrinking averages over all it leaves
  /// out, so that fine detail does not alias.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the size is not one a picture can have.
  /// - Complexity: O(*n*) in the sum of the old and the new number of pixels.
  public func resized(width newWidth: Int, height newHeight: Int) throws(ConvoyError) -> Image {
    _ = try Image.checkedSize(width: newWidth, height: newHeight, channels: channels)
    if newWidth == width && newHeight == height { return self }
    let stride = width * channels
    let values = Resampling.resize(
      width: width, height: height, channels: channels, toWidth: newWidth, height: newHeight
    ) { y, row in
      for x in 0..<stride { row[x] = Float(pixels[y * stride + x]) }
    }
    let bytes = values.map { UInt8(min(max($0.rounded(), 0), 255)) }
    return Image(newWidth, newHeight, channels, bytes)
  }

  /// The picture with its shorter side at a length, its proportions kept; the longer side is
  /// rounded down to whole pixels.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the size is not one a picture can have.
  public func resized(shorterSide: Int) throws(ConvoyError) -> Image {
    func scaled(_ side: Int) -> Int {
      let (product, overflow) = side.multipliedReportingOverflow(by: shorterSide)
      return overflow ? .max : product / min(width, height)
    }
    return try resized(width: scaled(width), height: scaled(height))
  }

  /// The middle of the picture. Where the margins cannot be equal, the one at the left or the top
  /// is a pixel narrower.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the picture is smaller than what is asked for.
  public func centerCropped(width newWidth: Int, height newHeight: Int) throws(ConvoyError) -> Image
  {
    guard (1...width).contains(newWidth), (1...height).contains(newHeight) else {
      throw ConvoyError(
        .shape,
        "A picture of \(width)×\(height) pixels cannot be cropped to \(newWidth)×\(newHeight).")
    }
    let (left, top) = ((width - newWidth) / 2, (height - newHeight) / 2)
    var cropped: [UInt8] = []
    cropped.reserveCapacity(newWidth * newHeight * channels)
    for y in top..<top + newHeight {
      cropped += pixels[((y * width + left) * channels)...].prefix(newWidth * channels)
    }
    return Image(newWidth, newHeight, channels, cropped)
  }

  /// The largest middle part of the wanted proportions, resized to the wanted size.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the size is not one a picture can have.
  public func fitted(width newWidth: Int, height newHeight: Int) throws(ConvoyError) -> Image {
    let ratio = max(Double(newWidth) / Double(width), Double(newHeight) / Double(height))
    return
      try resized(
        width: max(newWidth, Int((Double(width) * ratio).rounded())),
        height: max(newHeight, Int((Double(height) * ratio).rounded()))
      )
      .centerCropped(width: newWidth, height: newHeight)
  }

  /// The picture in grey (1 channel) or in colour (3).
  ///
  /// Grey is the luma of ITU-R BT.601, 0.299 red + 0.587 green + 0.114 blue, rounded to nearest;
  /// colour from grey repeats it.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` for another number of channels.
  public func converted(toChannels newChannels: Int) throws(ConvoyError) -> Image {
    switch (channels, newChannels) {
    case (1, 1), (3, 3): return self
    case (1, 3): return Image(width, height, 3, pixels.flatMap { [$0, $0, $0] })
    case (3, 1):
      let grey = stride(from: 0, to: pixels.count, by: 3).map { pixel in
        // The weights as 16-bit fractions, which add up to 1 exactly.
        let sum =
          19595 * Int(pixels[pixel]) + 38470 * Int(pixels[pixel + 1]) + 7471
          * Int(pixels[pixel + 2])
        return UInt8((sum + 32768) >> 16)
      }
      return Image(width, height, 1, grey)
    default:
      throw ConvoyError(.shape, "A picture has 1 channel or 3, got \(newChannels).")
    }
  }
}
