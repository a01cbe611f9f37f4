public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reading a file from its first byte to its last.
public enum WholeFile {
  /// The bytes of a file.
  ///
  /// - Parameters:
  ///   - path: a file, or anything else that can be read to an end, such as a pipe.
  ///   - limit: the most bytes the caller is prepared to hold.
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be read, and of kind `.resource`
  ///   when it is larger than the limit.
  /// - Complexity: O(*n*) in the file's size.
  public static func read(_ path: String, atMost limit: Int = 1 << 36) throws(ConvoyError)
    -> [UInt8]
  {
    let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { throw systemError(cannot: "open ‘\(path)’") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw systemError(cannot: "read ‘\(path)’") }
    if FileKind(status) == .folder {
      throw ConvoyError(.file, "Cannot read ‘\(path)’: a file is expected, but it is a folder.")
    }
    try check(Int(status.st_size), atMost: limit, path: path)

    // The last chunk is the one that comes back empty: a file may grow, and a pipe has no size.
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size))
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 1)
    defer { chunk.deallocate() }
    while true {
      let count = readSome(descriptor, into: chunk)
      guard count >= 0 else { throw systemError(cannot: "read ‘\(path)’") }
      if count == 0 { return bytes }
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
      try check(bytes.count, atMost: limit, path: path)
    }
  }

  private static func check(_ size: Int, atMost limit: Int, path: String) throws(ConvoyError) {
    guard size <= limit else {
      throw ConvoyError(
        .resource,
        "‘\(path)’ is too large: at most \(limit) bytes are expected here, it has \(size) or more.")
    }
  }
}
