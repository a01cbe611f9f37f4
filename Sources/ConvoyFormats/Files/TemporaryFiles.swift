import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The files `.NAME.RANDOM.tmp` beside a file NAME, in which it is written before it takes its name.
///
/// A writer keeps its temporary file locked. What can be locked by another has no writer any more: it was
/// killed, or the machine stopped.
struct TemporaryFiles {
  /// The file that is written.
  let target: String
  /// Its folder, with a slash at the end.
  let folder: String
  private let prefix: String

  private static let suffix = ".tmp"

  init(for target: String) {
    self.target = target
    let slash = target.lastIndex(of: "/")
    folder = slash.map { String(target[...$0]) } ?? "./"
    let name = slash.map { target[target.index(after: $0)...] } ?? target[...]
    // A file's name has at most 255 bytes.
    prefix = ".\(name.utf8.count < 200 ? name : "file")."
  }

  /// Makes a temporary file, and locks it.
  ///
  /// - Parameter path: what the file to write is called in messages.
  func make(for path: String) throws(ConvoyError) -> (descriptor: Int32, name: String) {
    while true {
      let random = String(UInt64.random(in: .min ... .max), radix: 36)
      let name = folder + prefix + random + Self.suffix
      let descriptor = uninterrupted {
        open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      }
      guard descriptor >= 0 else { throw systemError(cannot: "write ‘\(path)’") }
      // Where the file system has no locks, nothing is taken for abandoned either.
      _ = flock(descriptor, LOCK_EX)
      var status = stat()
      if fstat(descriptor, &status) == 0, status.st_nlink > 0 { return (descriptor, name) }
      // Before it was locked, another writer took it for abandoned.
      close(descriptor)
    }
  }

  /// Removes the temporary files that have no writer.
  func removeAbandoned() {
    for name in (try? Folder.names(in: folder, areHidden: true)) ?? [] {
      let isRandom = name.dropFirst(prefix.count).dropLast(Self.suffix.count).allSatisfy {
        $0.isASCII && ($0.isNumber || $0.isLowercase)
      }
      guard name.hasPrefix(prefix), name.hasSuffix(Self.suffix), isRandom,
        name.utf8.count > prefix.utf8.count + Self.suffix.utf8.count
      else { continue }
      let path = folder + name
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(descriptor)
    }
  }
}
