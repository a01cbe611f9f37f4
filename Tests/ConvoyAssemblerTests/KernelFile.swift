#if os(Linux)
  import Foundation

  /// The lines of a file that the kernel writes while it is read.
  ///
  /// Foundation takes the first short read for the file's end, and such files have many.
  func linesOfKernelFile(_ path: String) -> [String] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var lines: [String] = []
    var buffer: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { free(buffer) }
    while getline(&buffer, &capacity, file) > 0, let buffer {
      lines.append(String(cString: buffer).trimmingCharacters(in: .newlines))
    }
    return lines
  }
#endif
