public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Writing a file so that readers see the old one or the new one, never a part of either.
///
/// The bytes go to a temporary file in the same folder, which is flushed to the disk and then takes
/// the name. A crash, a full disk or an error on the way leaves what stood there before.
public enum AtomicFile {
  /// Writes a file from bytes.
  ///
  /// - Throws: `ConvoyError` of kind `.file`; nothing is left behind.
  public static func write(_ bytes: [UInt8], to path: String) throws(ConvoyError) {
    try write(to: path) { (file) throws(ConvoyError) in try file.append(bytes) }
  }

  /// Writes a file from text, as UTF-8.
  ///
  /// - Throws: `ConvoyError` of kind `.file`; nothing is left behind.
  public static func write(_ text: String, to path: String) throws(ConvoyError) {
    try write(Array(text.utf8), to: path)
  }

  /// Writes a file piece by piece, without ever holding the whole.
  ///
  /// A symbolic link at the path stays, and the file it leads to is replaced. An existing file's
  /// permissions are kept. What writers of the same file left that were killed is removed.
  ///
  /// - Parameters:
  ///   - path: the file to make or to replace; its folder must exist.
  ///   - body: appends the pieces in order. When it throws, what stood at the path is left alone.
  /// - Throws: `ConvoyError` of kind `.file`, or what the closure throws; nothing is left behind.
  public static func write(
    to path: String, _ body: (borrowing Pieces) throws(ConvoyError) -> Void
  ) throws(ConvoyError) {
    let temporary = TemporaryFiles(for: try replaceable(path))
    temporary.removeAbandoned()
    let (descriptor, name) = try temporary.make(for: path)
    do throws(ConvoyError) {
      try body(Pieces(descriptor: descriptor, path: path))
      var status = stat()
      if stat(temporary.target, &status) == 0 { _ = fchmod(descriptor, status.st_mode & 0o7777) }
      guard uninterrupted({ fsync(descriptor) }) == 0, rename(name, temporary.target) == 0 else {
        throw systemError(cannot: "write ‘\(path)’")
      }
    } catch {
      unlink(name)
      close(descriptor)
      throw error
    }
    // The bytes are on the disk, so closing can lose none. It also gives up the lock.
    close(descriptor)
    flush(folder: temporary.folder)
  }

  /// The path itself, or the file a symbolic link there leads to.
  ///
  /// Renaming onto a device would replace it, so only regular files are taken.
  private static func replaceable(_ path: String) throws(ConvoyError) -> String {
    guard !path.isEmpty, path.last != "/" else {
      throw ConvoyError(.file, "Cannot write ‘\(path)’: a file's name is expected.")
    }
    switch FileKind(at: path) {
    case nil: return path
    case .folder: throw ConvoyError(.file, "Cannot write ‘\(path)’: it is a folder.")
    case .pipe, .other:
      throw ConvoyError(.file, "Cannot write ‘\(path)’: it is not a regular file.")
    case .regular: return try resolvedPath(path, to: "write ‘\(path)’")
    }
  }

  /// Makes the new name itself survive a power cut. The file is complete by now, and some file
  /// systems cannot flush a folder, so a failure here is no failure to write.
  private static func flush(folder: String) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = fsync(descriptor)
    close(descriptor)
  }

  /// The file being written, which takes its pieces in order.
  public struct Pieces: ~Copyable {
    fileprivate let descriptor: Int32
    fileprivate let path: String

    /// Appends bytes to the file.
    ///
    /// - Throws: `ConvoyError` of kind `.file` when the disk is full or fails.
    public func append(_ bytes: UnsafeRawBufferPointer) throws(ConvoyError) {
      var rest = bytes
      while !rest.isEmpty {
        let count = writeSome(descriptor, from: rest)
        guard count >= 0 else { throw systemError(cannot: "write ‘\(path)’") }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }

    /// Appends bytes to the file.
    ///
    /// - Throws: `ConvoyError` of kind `.file` when the disk is full or fails.
    public func append(_ bytes: [UInt8]) throws(ConvoyError) {
      try bytes.withUnsafeBufferPointer { (bytes) throws(ConvoyError) in
        try append(UnsafeRawBufferPointer(bytes))
      }
    }
  }
}
