public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How many bytes of a file are worth reading, told from those that were read.
enum FileExtent: Equatable {
  /// It can be told when so many bytes are there.
  case unknown(until: Int)
  /// Its beginning announces so many.
  case atMost(Int)
}

/// Reading a file from its first byte to its last.
public enum WholeFile {
  /// The bytes of a file.
  ///
  /// Files and pipes are read; what has no end, such as a terminal or /dev/zero, is refused, and so is a pipe that
  /// nothing writes to.
  ///
  /// - Parameters:
  ///   - path: a file, or a pipe.
  ///   - limit: the most bytes the caller is prepared to hold.
  /// - Throws: `ConvoyError` of kind `.file` when the file cannot be read, and of kind `.resource`
  ///   when it is larger than the limit, or than the memory that is left.
  /// - Complexity: O(*n*) in the file's size.
  public static func read(_ path: String, atMost limit: Int = 1 << 36) throws(ConvoyError)
    -> [UInt8]
  {
    try read(path, atMost: limit) { _ throws(ConvoyError) in .atMost(limit) }
  }

  /// The text of a file in UTF-8.
  ///
  /// - Throws: `ConvoyError` as reading bytes does; of kind `.format` when it is not UTF-8.
  public static func text(_ path: String, atMost limit: Int) throws(ConvoyError) -> String {
    let bytes = try read(path, atMost: limit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      let got = ContentKind(of: bytes).map { "\($0)" } ?? "other bytes"
      throw ConvoyError(.format, "‘\(path)’ should be a text in UTF-8, but is \(got).")
    }
    return text
  }

  /// The bytes of a file whose beginning tells how long it can be.
  ///
  /// - Parameter extent: is given the first bytes: those of the first piece, all where there are fewer, and then
  ///   as many more as it asked for. What it throws ends the reading.
  static func read(
    _ path: String, atMost limit: Int = 1 << 36, extent: ([UInt8]) throws(ConvoyError) -> FileExtent
  ) throws(ConvoyError) -> [UInt8] {
    let (descriptor, size, isPipe) = try opened(path)
    defer { close(descriptor) }
    try check(size, atMost: limit, path: path)

    var bytes: [UInt8] = []
    var known = FileExtent.unknown(until: 1)
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 1)
    defer { chunk.deallocate() }
    while true {
      let count = try next(descriptor, into: chunk, path: path)
      if bytes.count + count > bytes.capacity {
        // A file may grow, and a pipe has no size.
        let wanted = bytes.isEmpty ? count : max(size, 2 * bytes.capacity)
        try AvailableMemory.require(wanted, for: "The bytes of ‘\(path)’")
        bytes.reserveCapacity(wanted)
      }
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
      try check(bytes.count, atMost: limit, path: path)
      if case .unknown(let needed) = known, bytes.count >= needed || count == 0 {
        known = try extent(bytes)
      }
      if case .atMost(let most) = known, bytes.count > most {
        throw ConvoyError(
          .format, "‘\(path)’ is longer than the \(most) bytes that its beginning announces.")
      }
      // The last piece is the one that comes back empty.
      guard count == 0 else { continue }
      if bytes.isEmpty, isPipe {
        throw ConvoyError(.file, "Cannot read ‘\(path)’: nothing is written to this pipe.")
      }
      return bytes
    }
  }

  /// The first bytes of a file, some thousands; nil for a pipe, which would lose them.
  static func beginning(of path: String) throws(ConvoyError) -> [UInt8]? {
    let (descriptor, _, isPipe) = try opened(path)
    defer { close(descriptor) }
    guard !isPipe else { return nil }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 12, alignment: 1)
    defer { chunk.deallocate() }
    return Array(chunk[..<(try next(descriptor, into: chunk, path: path))])
  }

  /// Opens a file or a pipe; waits for no writer.
  private static func opened(
    _ path: String
  ) throws(ConvoyError) -> (descriptor: Int32, size: Int, isPipe: Bool) {
    let descriptor = uninterrupted { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    guard descriptor >= 0 else { throw systemError(cannot: "open ‘\(path)’") }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      close(descriptor)
      throw systemError(cannot: "read ‘\(path)’")
    }
    let got: String
    switch FileKind(status) {
    case .regular: return (descriptor, Int(status.st_size), false)
    case .pipe: return (descriptor, 0, true)
    case .folder: got = "a folder"
    case .other: got = "a device or a socket"
    }
    close(descriptor)
    throw ConvoyError(.file, "Cannot read ‘\(path)’: a file is expected, but it is \(got).")
  }

  /// Reads the next bytes, and waits for them where a pipe has a writer.
  private static func next(
    _ descriptor: Int32, into chunk: UnsafeMutableRawBufferPointer, path: String
  ) throws(ConvoyError) -> Int {
    while true {
      let count = readSome(descriptor, into: chunk)
      if count >= 0 { return count }
      guard errno == EAGAIN || errno == EWOULDBLOCK else {
        throw systemError(cannot: "read ‘\(path)’")
      }
      var awaited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&awaited, 1, -1)
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
