public import ConvoyTensors

extension Image {
  /// Reads a picture: PNG, JPEG, or PGM and PPM, plain or binary.
  ///
  /// The format follows from the file's first bytes, not from its name. What Pillow's `convert("RGB")` and
  /// torchvision's `decode_image` do is done here too: transparency is dropped, and the colours below it are
  /// taken; gamma and colour profiles are not applied; pictures are not turned as a camera's EXIF note asks.
  /// Samples of 16 bits become the nearest of 8.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be read, `.format` when it is
  ///   damaged or none of these, `.resource` when libpng or TurboJPEG is needed but not installed.
  /// - Complexity: O(*n*) in the number of pixels, of which a file's size bounds how many it may
  ///   claim.
  public init(contentsOf path: String) throws(ConvoyError) {
    let bytes = try Image.bytes(of: path)
    try self.init(decoding: bytes, source: path)
  }

  /// The bytes of a file, which is not read on when it does not begin as a picture does.
  private static func bytes(of path: String) throws(ConvoyError) -> [UInt8] {
    try WholeFile.read(path, atMost: 1 << 31) { beginning throws(ConvoyError) in
      switch ContentKind(of: beginning) {
      case .png, .jpeg, .anymap: return .atMost(1 << 31)
      default:
        // Says what it is instead.
        _ = try Image(decoding: beginning, source: path)
        return .atMost(0)
      }
    }
  }

  /// Reads a picture from the bytes of a file.
  ///
  /// - Throws: as `init(contentsOf:)` does.
  public init(decoding bytes: [UInt8]) throws(ConvoyError) {
    try self.init(decoding: bytes, source: nil)
  }

  /// Reads a picture with libraries that a test may replace.
  init(decoding bytes: [UInt8], source: String?, libraries: ImageLibraries = .installed)
    throws(ConvoyError)
  {
    let kind = ContentKind(of: bytes)
    let readable: [ContentKind] = [.png, .jpeg, .anymap]
    let format =
      kind.flatMap { readable.contains($0) ? "\($0)" : nil }
      ?? "a picture in PNG, JPEG, PGM or PPM"
    self = try Malformed.explain(source, asNot: format, of: readable, bytes) {
      () throws(Malformed) in
      switch kind {
      case .png: try PNGCodec(libraries.png).decode(bytes)
      case .jpeg: try JPEGCodec(libraries.jpeg).decode(bytes)
      case .anymap: try Anymap.decode(bytes)
      default: throw Malformed("its first bytes are those of none of them")
      }
    }
  }

  /// Writes the picture as PNG, PPM or PGM, by the ending of the path: `.png`, `.ppm` or `.pgm`.
  ///
  /// PPM is in colour and PGM is grey; the picture is converted where it must be. The file is
  /// replaced as a whole or not at all.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` for another ending, `.file` when the file cannot be
  ///   written, `.resource` when PNG is asked for and libpng is not installed.
  public func write(to path: String) throws(ConvoyError) {
    let ending = path.split(separator: ".").last?.lowercased()
    let bytes: [UInt8]
    switch ending {
    case "png": bytes = try PNGCodec(ImageLibraries.installed.png).encode(self)
    case "ppm": bytes = Anymap.encode(try converted(toChannels: 3))
    case "pgm": bytes = Anymap.encode(try converted(toChannels: 1))
    default:
      throw ConvoyError(
        .argument,
        "A picture is written to a path that ends in .png, .ppm or .pgm, got ‘\(path)’.")
    }
    try AtomicFile.write(bytes, to: path)
  }
}

/// The libraries that decode pictures.
struct ImageLibraries: Sendable {
  var png = SystemLibrary(
    name: "libpng 1.6",
    files: [
      "libpng16.so.16", "libpng16.so", "libpng16.16.dylib", "/opt/homebrew/lib/libpng16.16.dylib",
      "/usr/local/lib/libpng16.16.dylib",
    ],
    remedy: "‘apt-get install libpng16-16’ (or ‘brew install libpng’)")

  var jpeg = SystemLibrary(
    name: "TurboJPEG",
    files: [
      "libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.dylib",
      "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib",
      "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib",
    ],
    remedy: "‘apt-get install libturbojpeg0’ (or ‘brew install jpeg-turbo’)")

  static let installed = ImageLibraries()
}
