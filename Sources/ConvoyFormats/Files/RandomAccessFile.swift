import ConvoyTensors

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
  public init?(_ path: String) throws {
    descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
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

  deinit { close(descriptor) }

  /// Fills a buffer with the bytes from a position on.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when the file ends before, or cannot be read.
  public func read(from position: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
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
  public func bytes(_ part: Range<Int>) throws -> [UInt8] {
    precondition(part.lowerBound >= 0 && part.upperBound <= size)
    return try [UInt8](unsafeUninitializedCapacity: part.count) { buffer, count in
      try read(from: part.lowerBound, into: UnsafeMutableRawBufferPointer(buffer))
      count = part.count
    }
  }
}
