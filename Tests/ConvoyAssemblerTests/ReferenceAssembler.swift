import Foundation

/// The assembler that comes with Swift's toolchain: clang, where it is installed.
struct ReferenceAssembler {
  private let clang: URL

  /// Finds clang on the path.
  init?() {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let candidates = path.split(separator: ":").map {
      URL(fileURLWithPath: String($0)).appendingPathComponent("clang")
    }
    guard
      let clang = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) })
    else { return nil }
    self.clang = clang
  }

  /// What clang makes of lines in Intel's syntax: the bytes of the section of code.
  func assemble(_ lines: [String]) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("convoy-assembler-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appendingPathComponent("cases.s")
    let object = folder.appendingPathComponent("cases.o")
    let text = ".intel_syntax noprefix\n" + lines.joined(separator: "\n") + "\n"
    try text.write(to: source, atomically: false, encoding: .utf8)
    let process = Process()
    process.executableURL = clang
    process.arguments = [
      "-c", "-x", "assembler", "--target=x86_64-unknown-linux-gnu", source.path, "-o", object.path,
    ]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure.rejected }
    return try codeSection(of: [UInt8](Data(contentsOf: object)))
  }

  enum Failure: Error {
    /// clang did not accept a line; it has said which on standard error.
    case rejected
    /// The object has no section of code.
    case noCode
  }

  /// The first executable section with contents of a 64-bit ELF object.
  private func codeSection(of object: [UInt8]) throws -> [UInt8] {
    func number<T: FixedWidthInteger>(_ type: T.Type, at position: Int) -> Int {
      Int(
        (0..<MemoryLayout<T>.size).reversed().reduce(UInt64(0)) {
          $0 << 8 | UInt64(object[position + $1])
        })
    }
    let headers = number(UInt64.self, at: 0x28)
    let (headerSize, count) = (number(UInt16.self, at: 0x3A), number(UInt16.self, at: 0x3C))
    for header in (0..<count).map({ headers + $0 * headerSize }) {
      let isExecutable = number(UInt64.self, at: header + 8) & 4 != 0
      let offset = number(UInt64.self, at: header + 0x18)
      let size = number(UInt64.self, at: header + 0x20)
      if isExecutable && size > 0 { return Array(object[offset..<offset + size]) }
    }
    throw Failure.noCode
  }
}
