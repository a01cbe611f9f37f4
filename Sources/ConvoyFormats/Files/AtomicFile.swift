import ConvoyTensors

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
  public static func write(_ bytes: [UInt8], to path: String) throws {
    try write(to: path) { file in
      try bytes.withUnsafeBytes { try file.append($0) }
    }
  }

  /// Writes a file from text, as UTF-8.
  ///
  /// - Throws: `ConvoyError` of kind `.file`; nothing is left behind.
  public static func write(_ text: String, to path: String) throws {
    try write(Array(text.utf8), to: path)
  }

  /// Writes a file piece by piece, without ever holding the whole.
  ///
  /// A symbolic link at the path stays, and the file it leads to is replaced. An existing file's
  /// permissions are kept.
  ///
  /// - Parameters:
  ///   - path: the file to make or to replace; its folder must exist.
  ///   - body: appends the pieces in order. When it throws, what stood at the path is left alone.
  /// - Throws: `ConvoyError` of kind `.file`, or what the closure throws; nothing is left behind.
  public static func write(to path: String, _ body: (borrowing Pieces) throws -> Void) throws {
    let target = try replaceable(path)
    let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "./"
    let name = target.lastIndex(of: "/").map { target[target.index(after: $0)...] } ?? target[...]
    let random = String(UInt64.random(in: .min ... .max), radix: 36)
    let temporary = "\(folder).\(name.utf8.count < 200 ? name : "file").\(random).tmp"

    let descriptor = uninterrupted {
      open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    }
    guard descriptor >= 0 else { throw systemError(cannot: "write ‘\(path)’") }
    var isOpen = true
    do {
      try body(Pieces(descriptor: descriptor, path: path))
      var status = stat()
      if stat(target, &status) == 0 { _ = fchmod(descriptor, status.st_mode & 0o7777) }
      guard uninterrupted({ fsync(descriptor) }) == 0 else {
        throw systemError(cannot: "write ‘\(path)’")
      }
      isOpen = false
      guard close(descriptor) == 0, rename(temporary, target) == 0 else {
        throw systemError(cannot: "write ‘\(path)’")
      }
    } catch {
      if isOpen { close(descriptor) }
      unlink(temporary)
      throw error
    }
    flush(folder: folder)
  }

  /// The path itself, or the file a symbolic link there leads to.
  ///
  /// Renaming onto a device would replace it, so only regular files are taken.
  private static func replaceable(_ path: String) throws -> String {
    guard !path.isEmpty, path.last != "/" else {
      throw ConvoyError(.file, "Cannot write ‘\(path)’: a file's name is expected.")
    }
    switch FileKind(at: path) {
    case nil: return path
    case .folder: throw ConvoyError(.file, "Cannot write ‘\(path)’: it is a folder.")
    case .other: throw ConvoyError(.file, "Cannot write ‘\(path)’: it is not a regular file.")
    case .regular:
      guard let resolved = realpath(path, nil) else {
        throw systemError(cannot: "write ‘\(path)’")
      }
      defer { free(resolved) }
      return String(cString: resolved)
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
    public func append(_ bytes: UnsafeRawBufferPointer) throws {
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
    public func append(_ bytes: [UInt8]) throws {
      try bytes.withUnsafeBytes { try append($0) }
    }
  }
}
