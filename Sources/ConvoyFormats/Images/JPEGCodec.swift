import ConvoyTensors

/// JPEG through TurboJPEG.
struct JPEGCodec {
  private let library: SystemLibrary

  init(_ library: SystemLibrary) { self.library = library }

  /// Constants of `turbojpeg.h`.
  private enum Constant {
    static let pixelsRGB: Int32 = 0
    static let pixelsGrey: Int32 = 6
    static let pixelsCMYK: Int32 = 11
    static let colourSpaceGrey: Int32 = 2
    static let colourSpacesCMYK: ClosedRange<Int32> = 3...4
    static let errorIsWarning: Int32 = 0
    /// Refuses files of absurdly many passes over the picture, which take hours to decode.
    static let limitScans: Int32 = 32768
  }

  private typealias Handle = UnsafeMutableRawPointer
  private typealias Make = @convention(c) () -> Handle?
  private typealias Destroy = @convention(c) (Handle) -> Int32
  private typealias ReadHeader =
    @convention(c) (
      Handle, UnsafePointer<UInt8>?, UInt, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>,
      UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>
    ) -> Int32
  private typealias Decompress =
    @convention(c) (
      Handle, UnsafePointer<UInt8>?, UInt, UnsafeMutablePointer<UInt8>?, Int32, Int32, Int32, Int32,
      Int32
    ) -> Int32
  private typealias ErrorText = @convention(c) (Handle) -> UnsafePointer<CChar>?
  private typealias ErrorCode = @convention(c) (Handle) -> Int32

  /// What is used of the library.
  private struct Functions {
    let make: Make
    let destroy: Destroy
    let readHeader: ReadHeader
    let decompress: Decompress
    let errorText: ErrorText
    let errorCode: ErrorCode

    init(_ library: SystemLibrary) throws(ConvoyError) {
      let functions = try library.opened(for: "Reading a JPEG picture")
      make = try functions.function("tjInitDecompress", as: Make.self)
      destroy = try functions.function("tjDestroy", as: Destroy.self)
      readHeader = try functions.function("tjDecompressHeader3", as: ReadHeader.self)
      decompress = try functions.function("tjDecompress2", as: Decompress.self)
      errorText = try functions.function("tjGetErrorStr2", as: ErrorText.self)
      errorCode = try functions.function("tjGetErrorCode", as: ErrorCode.self)
    }
  }

  func decode(_ bytes: [UInt8]) throws(Malformed) -> Image {
    let turbo = try Malformed.passing { () throws(ConvoyError) in try Functions(library) }
    guard let handle = turbo.make() else {
      throw Malformed.failure(
        ConvoyError(.resource, "TurboJPEG cannot be started: memory is short."))
    }
    defer { _ = turbo.destroy(handle) }
    func reason() -> String { turbo.errorText(handle).map { String(cString: $0) } ?? "an error" }

    var (width, height, subsampling, colourSpace): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
    guard
      turbo.readHeader(
        handle, bytes, UInt(bytes.count), &width, &height, &subsampling, &colourSpace) == 0
    else { throw Malformed("TurboJPEG finds “\(reason())”") }

    let isGrey = colourSpace == Constant.colourSpaceGrey
    let isCMYK = Constant.colourSpacesCMYK.contains(colourSpace)
    let size = try Malformed.passing { () throws(ConvoyError) in
      try Image.checkedSize(width: Int(width), height: Int(height), channels: isGrey ? 1 : 3)
    }
    try checkSize(size, width: width, height: height, fileSize: bytes.count)

    let format =
      isGrey ? Constant.pixelsGrey : isCMYK ? Constant.pixelsCMYK : Constant.pixelsRGB
    let byteCount = isCMYK ? size / 3 * 4 : size
    try Malformed.passing { () throws(ConvoyError) in
      try AvailableMemory.require(byteCount, for: "The pixels of a picture")
    }
    let pixels = try [UInt8](unsafeUninitializedCapacity: byteCount) {
      (buffer, count) throws(Malformed) in
      // A damaged file may leave pixels unwritten.
      buffer.initialize(repeating: 0)
      let result = turbo.decompress(
        handle, bytes, UInt(bytes.count), buffer.baseAddress, width, 0, height, format,
        Constant.limitScans)
      // Most warnings concern stray bytes that many cameras write. A file that ends early is not
      // the picture it was.
      guard
        result == 0
          || turbo.errorCode(handle) == Constant.errorIsWarning
            && !reason().contains("Premature end")
      else { throw Malformed("TurboJPEG finds “\(reason())”") }
      count = byteCount
    }
    return Image(
      Int(width), Int(height), isGrey ? 1 : 3, isCMYK ? JPEGCodec.colours(cmyk: pixels) : pixels)
  }

  /// Compares what the header claims with what the file can hold.
  ///
  /// The densest file there is, progressive with every block empty and colours at a fourth of the
  /// resolution, makes some 1200 bytes of one; the format's rare arithmetic coding, somewhat more.
  /// A megabyte is given to any.
  private func checkSize(_ size: Int, width: Int32, height: Int32, fileSize: Int) throws(Malformed)
  {
    guard size <= 2048 * fileSize + 1 << 20 else {
      throw Malformed("\(width)×\(height) pixels cannot come out of a file of \(fileSize) bytes")
    }
  }

  /// Print colours to screen colours. Every program that writes such files stores them inverted, so
  /// that a value is the share of light let through, and shares multiply.
  static func colours(cmyk: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: cmyk.count / 4 * 3) { buffer, count in
      count = cmyk.count / 4 * 3
      for index in 0..<count {
        let pixel = index / 3 * 4
        let light = Int(cmyk[pixel + index % 3]) * Int(cmyk[pixel + 3])
        buffer.initializeElement(at: index, to: UInt8((light + 127) / 255))
      }
    }
  }
}
