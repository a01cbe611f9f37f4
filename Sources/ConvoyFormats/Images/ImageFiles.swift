import ConvoyTensors

extension Image {
  /// Reads a picture: PNG, JPEG, or PGM and PPM, plain or binary.
  ///
  /// The format follows from the file's first bytes, not from its name. Transparent parts are laid onto
  /// white. The orientation a camera notes in a JPEG file is not applied.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be read, `.format` when it is
  ///   damaged or none of these, `.resource` when libpng or TurboJPEG is needed but not installed.
  /// - Complexity: O(*n*) in the number of pixels, of which a file's size bounds how many it may
  ///   claim.
  public init(contentsOf path: String) throws {
    let bytes = try WholeFile.read(path, atMost: 1 << 31)
    try self.init(decoding: bytes, source: path)
  }

  /// Reads a picture from the bytes of a file.
  ///
  /// - Throws: as `init(contentsOf:)` does.
  public init(decoding bytes: [UInt8]) throws {
    try self.init(decoding: bytes, source: nil)
  }

  /// Reads a picture with libraries that a test may replace.
  init(decoding bytes: [UInt8], source: String?, libraries: ImageLibraries = .installed) throws {
    let format = ImageFormat(of: bytes)
    self = try Malformed.explain(source, asNot: format?.description ?? "a picture") {
      switch format {
      case .png: try PNGCodec(libraries.png).decode(bytes)
      case .jpeg: try JPEGCodec(libraries.jpeg).decode(bytes)
      case .anymap: try Anymap.decode(bytes)
      case nil: throw Malformed("PNG, JPEG, PGM or PPM is expected")
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
  public func write(to path: String) throws {
    let ending = path.split(separator: ".").last?.lowercased()
    let bytes =
      switch ending {
      case "png": try PNGCodec(ImageLibraries.installed.png).encode(self)
      case "ppm": Anymap.encode(try converted(toChannels: 3))
      case "pgm": Anymap.encode(try converted(toChannels: 1))
      default:
        throw ConvoyError(
          .argument,
          "A picture is written to a path that ends in .png, .ppm or .pgm, got ‘\(path)’.")
      }
    try AtomicFile.write(bytes, to: path)
  }
}

/// A format of pictures, recognised by how its files begin.
enum ImageFormat: CustomStringConvertible {
  case png, jpeg, anymap

  init?(of bytes: [UInt8]) {
    if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.count >= 2, bytes[0] == UInt8(ascii: "P"), "2356".utf8.contains(bytes[1]) {
      self = .anymap
    } else {
      return nil
    }
  }

  /// What a file of this format is called.
  var description: String {
    switch self {
    case .png: "a PNG picture"
    case .jpeg: "a JPEG picture"
    case .anymap: "a PGM or PPM picture"
    }
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
