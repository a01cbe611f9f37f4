import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The error of a system call that has just failed, told as "Cannot *do something*: *reason*."
///
/// - Parameter action: what was attempted, as in "read ‘weights.safetensors’".
func systemError(cannot action: String, code: Int32 = errno) -> ConvoyError {
  let reason = String(cString: strerror(code))
  return ConvoyError(
    .file, "Cannot \(action): \(reason.prefix(1).lowercased() + reason.dropFirst()).")
}

/// Repeats a system call for as long as a signal interrupts it.
func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

/// What stands at a path.
enum FileKind {
  case regular, folder, pipe, other

  /// Follows symbolic links; nil when nothing stands there, or nothing that can be seen.
  init?(at path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .regular
    case S_IFDIR: self = .folder
    case S_IFIFO: self = .pipe
    default: self = .other
    }
  }
}

/// The path that a path leads to by symbolic links.
///
/// - Parameter action: what it is needed for, as in "read ‘weights.safetensors’".
/// - Throws: `ConvoyError` of kind `.file` when nothing is there, or the path that it leads to is not UTF-8.
func resolvedPath(_ path: String, to action: String) throws(ConvoyError) -> String {
  guard let resolved = realpath(path, nil) else { throw systemError(cannot: action) }
  defer { free(resolved) }
  guard let path = String(validatingCString: resolved) else {
    throw ConvoyError(.file, "Cannot \(action): the path it leads to is not UTF-8.")
  }
  return path
}

/// Reads up to a buffer's size from a file: how many bytes came, 0 at the end, -1 on an error.
func readSome(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
  uninterrupted { read(descriptor, buffer.baseAddress, buffer.count) }
}

/// Writes up to a buffer's size to a file: how many bytes went, or -1 on an error.
func writeSome(_ descriptor: Int32, from buffer: UnsafeRawBufferPointer) -> Int {
  uninterrupted { write(descriptor, buffer.baseAddress, buffer.count) }
}
