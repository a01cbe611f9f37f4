public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file of which any part can be read: large ones need not be held as a whole.
public final class RandomAccessFile: Sendable {
  /// Its size when it was opened, in bytes.
  public let size: Int
  private let path: String
  private let descriptor: Int32

  /// Opens a file; nil for what has no size, such as a pipe.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when there is no such file, or it cannot be read.
  public init?(_ path: String) throws(ConvoyError) {
    descriptor = uninterrupted { systemOpen(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    self.path = path
    guard descriptor >= 0 else { throw systemError(cannot: "open ‘\(path)’") }
    var status = stat()
    let isKnown = fstat(descriptor, &status) == 0
    size = Int(status.st_size)
    guard isKnown, FileKind(status) == .regular else {
      close(descriptor)
      return nil
    }
  }

  /// Opens a file in a folder.
  ///
  /// - Parameter folder: the folder that the file must lie in, also after following symbolic links.
  /// - Throws: `ConvoyError` of kind `.file` when it lies elsewhere, is not a regular file, or cannot be
  ///   read.
  public static func open(
    _ path: String, within folder: String
  ) throws(ConvoyError) -> RandomAccessFile {
    let root = try resolvedPath(folder, to: "open ‘\(folder)’")
    guard
      try resolvedPath(path, to: "open ‘\(path)’").hasPrefix(
        root.hasSuffix("/") ? root : root + "/")
    else {
      throw ConvoyError(.file, "Cannot read ‘\(path)’: it lies outside the folder ‘\(folder)’.")
    }
    guard let file = try RandomAccessFile(path) else {
      throw ConvoyError(.file, "Cannot read ‘\(path)’: a regular file is expected.")
    }
    return file
  }

  deinit { close(descriptor) }

  /// The bytes from a position on that a file's reader was promised.
  ///
  /// - Throws: `ConvoyError` of kind `.format` when the file ends too early.
  public func part(from offset: Int, count: Int) throws(ConvoyError) -> Range<Int> {
    let (end, overflow) = offset.addingReportingOverflow(count)
    guard offset >= 0, count >= 0, !overflow, end <= size else {
      throw ConvoyError(
        .format,
        "‘\(path)’ is too short: \(count) bytes from \(offset) on are expected, it has \(size) in all."
      )
    }
    return offset..<end
  }

  /// Fills a buffer with the bytes from a position on.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when the file ends before, or cannot be read.
  public func read(
    from position: Int, into buffer: UnsafeMutableRawBufferPointer
  ) throws(ConvoyError) {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = uninterrupted {
        pread(descriptor, rest.baseAddress, rest.count, off_t(position + done))
      }
      guard count >= 0 else { throw systemError(cannot: "read ‘\(path)’") }
      guard count > 0 else {
        throw ConvoyError(.file, "Cannot read ‘\(path)’: it became shorter while it was read.")
      }
      done += count
    }
  }

  /// The bytes of a part.
  ///
  /// - Precondition: the part lies within `size`.
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be read.
  public func bytes(_ part: Range<Int>) throws(ConvoyError) -> [UInt8] {
    precondition(part.lowerBound >= 0 && part.upperBound <= size)
    return try [UInt8](unsafeUninitializedCapacity: part.count) {
      (buffer, count) throws(ConvoyError) in
      try read(from: part.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
      count = part.count
    }
  }
}

/// Inside the class `open` is its own function.
private func systemOpen(_ path: String, _ flags: CInt) -> CInt { open(path, flags) }
