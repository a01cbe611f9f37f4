import Convoy
import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Turns SVG into PNG by the system's converter.
enum PictureConverter {
  /// Writes a PNG file.
  ///
  /// - Throws: `ConvoyError` when there is no converter, or it fails; nothing is left behind.
  static func writePNG(_ svg: String, to path: String) throws(ConvoyError) {
    guard let converter = find("rsvg-convert") else {
      throw ConvoyError(
        .resource,
        "To write PNG, rsvg-convert is needed (apt-get install librsvg2-bin), or write .svg and "
          + "convert it elsewhere.")
    }
    let bytes: Data?
    do {
      let (source, target) = (try unnamedFile(), try unnamedFile())
      try source.write(contentsOf: Data(svg.utf8))
      try source.seek(toOffset: 0)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: converter)
      // Twice the natural size: sharp on today's screens and in print.
      process.arguments = ["--zoom", "2", "--format", "png"]
      process.standardInput = source
      process.standardOutput = target
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      try target.seek(toOffset: 0)
      bytes = process.terminationStatus == 0 ? try target.readToEnd() : nil
    } catch {
      bytes = nil
    }
    guard let bytes, !bytes.isEmpty else {
      throw ConvoyError(
        .resource, "rsvg-convert could not turn the picture into \(path); write .svg instead.")
    }
    try AtomicFile.write([UInt8](bytes), to: path)
  }

  /// A file that goes with the process, however that ends: it has no name.
  private static func unnamedFile() throws(ConvoyError) -> FileHandle {
    let folder = FileManager.default.temporaryDirectory.path
    var name = Array("\(folder)/convoy.XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else {
      throw ConvoyError(.file, "A temporary file cannot be made in ‘\(folder)’.")
    }
    unlink(name)
    return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// The path of a program, if it is installed.
  private static func find(_ program: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return folders.split(separator: ":").lazy.map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
