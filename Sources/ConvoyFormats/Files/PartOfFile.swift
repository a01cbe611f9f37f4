import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reading some of a file's bytes.
public enum PartOfFile {
  /// The bytes at a place in a file.
  ///
  /// - Parameters:
  ///   - path: a regular file.
  ///   - folder: the folder that the file must lie in, also after following symbolic links.
  ///   - offset: how many bytes come before those read.
  ///   - count: how many are read.
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be read or lies elsewhere, and of
  ///   kind `.format` when it ends too early; nothing is allocated then.
  public static func read(
    _ path: String, within folder: String, offset: Int, count: Int
  ) throws -> [UInt8] {
    let root = try resolved(folder)
    guard try resolved(path).hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
      throw ConvoyError(.file, "Cannot read ‘\(path)’: it lies outside the folder ‘\(folder)’.")
    }
    let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw systemError(cannot: "open ‘\(path)’") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw systemError(cannot: "read ‘\(path)’") }
    guard case .regular = FileKind(status) else {
      throw ConvoyError(.file, "Cannot read ‘\(path)’: a regular file is expected.")
    }
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard offset >= 0, count >= 0, !overflow, end <= Int(status.st_size) else {
      throw ConvoyError(
        .format,
        "‘\(path)’ is too short: \(count) bytes from \(offset) on are expected, "
          + "it has \(status.st_size) in all.")
    }
    guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
      throw systemError(cannot: "read ‘\(path)’")
    }
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let got = bytes.withUnsafeMutableBytes {
        readSome(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
      }
      guard got > 0 else {
        throw systemError(cannot: "read ‘\(path)’", code: got == 0 ? EIO : errno)
      }
      filled += got
    }
    return bytes
  }

  private static func resolved(_ path: String) throws -> String {
    guard let resolved = realpath(path, nil) else { throw systemError(cannot: "open ‘\(path)’") }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
