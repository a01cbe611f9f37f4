public import ConvoyTensors

/// What a file holds, told from how it begins: so that one that is given for another is called by its name.
public enum ContentKind: CaseIterable, CustomStringConvertible, Sendable {
  case empty, safetensors, numPy, idx, png, jpeg, anymap, onnx, zip, gzip, pickle, hdf5, gif, bmp,
    webp, tiff
  case lfsPointer, json, markup, program, text

  /// Recognises a file; nil for what is none of the kinds.
  ///
  /// - Parameter bytes: the file's bytes, or the first kilobytes of them.
  public init?(of bytes: [UInt8]) {
    let found = ContentKind.allCases.first { $0.isBeginning(bytes) }
    guard let found else { return nil }
    self = found
  }

  /// Recognises the file at a path; nil for what is none of the kinds, and for a pipe.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when it cannot be read, or is no file.
  public init?(at path: String) throws(ConvoyError) {
    guard let bytes = try WholeFile.beginning(of: path) else { return nil }
    self.init(of: bytes)
  }

  /// What a file of this kind is called, with its article.
  public var description: String {
    switch self {
    case .empty: "an empty file"
    case .safetensors: "a safetensors file"
    case .numPy: "a .npy file"
    case .idx: "an IDX file"
    case .png: "a PNG picture"
    case .jpeg: "a JPEG picture"
    case .anymap: "a PGM or PPM picture"
    case .onnx: "an ONNX model"
    case .zip: "a zip archive, as PyTorch's .pth and NumPy's .npz files are"
    case .gzip: "a gzip archive"
    case .pickle: "a Python pickle, as older .pth files of PyTorch are"
    case .hdf5: "an HDF5 file"
    case .gif: "a GIF picture"
    case .bmp: "a BMP picture"
    case .webp: "a WebP picture"
    case .tiff: "a TIFF picture"
    case .lfsPointer: "a pointer of Git LFS, whose file has not been fetched"
    case .json: "a JSON text"
    case .markup: "an XML or HTML text"
    case .program: "a program or library"
    case .text: "a text"
    }
  }

  private func isBeginning(_ bytes: [UInt8]) -> Bool {
    func begins(_ text: String) -> Bool { bytes.starts(with: text.utf8) }
    switch self {
    case .empty: return bytes.isEmpty
    case .safetensors:
      // A length below the format's limit, and the object that is so long.
      return bytes.count >= 9 && bytes[8] == UInt8(ascii: "{")
        && bytes[4..<8].allSatisfy { $0 == 0 }
    case .numPy: return bytes.starts(with: NumPyArray.magic)
    case .idx:
      return bytes.count >= 8 && bytes.starts(with: [0, 0, 8]) && (1...4).contains(bytes[3])
    case .png: return bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    case .jpeg: return bytes.starts(with: [0xFF, 0xD8, 0xFF])
    case .anymap:
      return bytes.count >= 2 && bytes[0] == UInt8(ascii: "P") && "2356".utf8.contains(bytes[1])
        && (bytes.count == 2 || bytes[2] == UInt8(ascii: "#") || ContentKind.isSpace(bytes[2]))
    case .onnx:
      // The version of the format, a small number, and then the next field of a model.
      return bytes.count >= 4 && bytes[0] == 0x08 && (1...0x1F).contains(bytes[1])
        && [0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72].contains(bytes[2])
    case .zip:
      return bytes.starts(with: [0x50, 0x4B, 3, 4]) || bytes.starts(with: [0x50, 0x4B, 5, 6])
    case .gzip: return bytes.starts(with: [0x1F, 0x8B])
    case .pickle: return bytes.count >= 2 && bytes[0] == 0x80 && (2...5).contains(bytes[1])
    case .hdf5: return bytes.starts(with: [0x89, 0x48, 0x44, 0x46])
    case .gif: return begins("GIF8")
    case .bmp: return begins("BM") && bytes.count >= 10 && bytes[6..<10].allSatisfy { $0 == 0 }
    case .webp: return begins("RIFF") && bytes.dropFirst(8).starts(with: "WEBP".utf8)
    case .tiff:
      return bytes.starts(with: [0x49, 0x49, 42, 0]) || bytes.starts(with: [0x4D, 0x4D, 0, 42])
    case .lfsPointer: return begins("version https://git-lfs")
    case .json:
      guard let first = bytes.firstIndex(where: { !ContentKind.isSpace($0) }) else { return false }
      return ContentKind.isText(bytes) && "{[".utf8.contains(bytes[first])
    case .markup: return begins("<") && ContentKind.isText(bytes)
    case .program:
      return bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46]) || begins("MZ") || begins("#!")
    case .text: return ContentKind.isText(bytes)
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (9...13).contains(byte) }

  /// Whether the first bytes are of a text: no control characters, and UTF-8.
  private static func isText(_ bytes: [UInt8]) -> Bool {
    let beginning = bytes.prefix(1 << 10)
    guard beginning.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || isSpace($0) }) else { return false }
    // The cut may go through a character of up to four bytes.
    return (0..<min(4, beginning.count)).contains {
      String(validating: beginning.dropLast($0), as: UTF8.self) != nil
    }
  }
}
