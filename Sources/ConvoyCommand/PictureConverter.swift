import Convoy
import Foundation

/// Turns SVG into PNG by the system's converter.
enum PictureConverter {
  /// Writes a PNG file.
  ///
  /// - Throws: `ConvoyError` when there is no converter, or it fails; nothing is left behind.
  static func writePNG(_ svg: String, to path: String) throws {
    guard let converter = find("rsvg-convert") else {
      throw ConvoyError(
        .resource,
        "To write PNG, rsvg-convert is needed (apt-get install librsvg2-bin), or write .svg and "
          + "convert it elsewhere.")
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("convoy-draw-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (source, target) = (
      folder.appendingPathComponent("a.svg"), folder.appendingPathComponent("a.png")
    )
    try AtomicFile.write(svg, to: source.path)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: converter)
    // Twice the natural size: sharp on today's screens and in print.
    process.arguments = ["--zoom", "2", "--output", target.path, source.path]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0,
      let bytes = FileManager.default.contents(atPath: target.path)
    else {
      throw ConvoyError(
        .resource, "rsvg-convert could not turn the picture into \(path); write .svg instead.")
    }
    try AtomicFile.write([UInt8](bytes), to: path)
  }

  /// The path of a program, if it is installed.
  private static func find(_ program: String) -> String? {
    let folders = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return folders.split(separator: ":").lazy.map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
