import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Listing folders.
enum Folder {
  /// The names in a folder, sorted by their bytes: those without a dot at the beginning, or, hidden ones, with it.
  ///
  /// - Throws: `ConvoyError` of kind `.file` when it cannot be read, or a name is not UTF-8.
  static func names(
    in path: String, areHidden: Bool = false
  ) throws(ConvoyError) -> [String] {
    guard let stream = opendir(path) else { throw systemError(cannot: "list ‘\(path)’") }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      // A name is shorter than the field that is declared for it, and so is the memory behind it.
      guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { break }
      let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
      guard (start.pointee == CChar(UInt8(ascii: "."))) == areHidden else { continue }
      guard let name = String(validatingCString: start) else {
        if areHidden { continue }
        throw ConvoyError(
          .file,
          "Cannot list ‘\(path)’: names in UTF-8 are expected, but one is "
            + "‘\(String(cString: start))’, where � stands for other bytes.")
      }
      names.append(name)
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The paths of the folders in a folder, sorted by name.
  static func folders(in path: String) throws(ConvoyError) -> [(name: String, path: String)] {
    try names(in: path).map { ($0, "\(path)/\($0)") }.filter { FileKind(at: $0.1) == .folder }
  }
}
