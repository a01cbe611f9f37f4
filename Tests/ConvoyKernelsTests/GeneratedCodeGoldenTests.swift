import ConvoyAssembler
import ConvoyTiles
import Foundation
import Testing

@testable import ConvoyKernels

/// The bytes of generated code, against those that are kept: what is moved about in generators must not
/// change them. Nothing is executed, so every machine's code is made on any host.
///
/// `Golden/code.txt` has a line a case: length, a hash, machine and name; `Golden/code.bin` has their bytes, one
/// case behind the other, so that a difference can be shown as instructions.
/// `CONVOY_UPDATE_GOLDEN=1 swift test --filter GeneratedCodeGoldenTests` writes both.
@Suite struct GeneratedCodeGoldenTests {
  @Test func codeIsTheRecordedOne() throws {
    let cases = GeneratedCodeCases.all.map {
      GoldenCode(
        name: "\($0.machine.name) \($0.name)", bytes: $0.description.generate().bytes)
    }
    #expect(Set(cases.map(\.name)).count == cases.count, "two cases have the same name")
    if ProcessInfo.processInfo.environment["CONVOY_UPDATE_GOLDEN"] == "1" {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      return try GoldenCode.write(cases, to: folder.appendingPathComponent("Golden"))
    }
    let folder = try #require(Bundle.module.url(forResource: "Golden", withExtension: nil))
    let recorded = try GoldenCode.read(from: folder)
    let known = Dictionary(uniqueKeysWithValues: recorded.map { ($0.name, $0) })
    for code in cases {
      guard let old = known[code.name] else {
        Issue.record("\(code.name) has no golden")
        continue
      }
      if old.bytes != code.bytes {
        Issue.record("\(code.name) differs:\n\(CodeDifference(old: old.bytes, new: code.bytes))")
      }
    }
    let surplus = Set(known.keys).subtracting(cases.map(\.name))
    #expect(surplus.isEmpty, "goldens without a case: \(surplus.sorted())")
  }

  /// What is to be seen of a difference: the instructions, without where they stand.
  @Test(.enabled(if: Disassembler() != nil, "no disassembler is installed"))
  func differencesAreShownAsInstructions() {
    let old: [UInt8] = [0x48, 0x89, 0xC8, 0xC5, 0xF8, 0x77, 0xC3]  // mov rax, rcx; vzeroupper; ret
    let new: [UInt8] = [0x90, 0x48, 0x89, 0xC8, 0xC3]
    let lines = CodeDifference(old: old, new: new).description.split(separator: "\n")
    #expect(lines == ["+ nop", "- vzeroupper"])
  }

  @Test func goldensThatDoNotFitTheirHashAreRefused() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("convoy-golden-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let codes = [
      GoldenCode(name: "avx2 first", bytes: [1, 2, 3]), GoldenCode(name: "avx2 second", bytes: [4]),
    ]
    try GoldenCode.write(codes, to: folder)
    #expect(try GoldenCode.read(from: folder) == codes)
    try Data([1, 2, 7, 4]).write(to: folder.appendingPathComponent("code.bin"))
    #expect(throws: GoldenCode.Damage.self) { try GoldenCode.read(from: folder) }
  }
}

/// A case's code as it is kept.
private struct GoldenCode: Equatable {
  var name: String
  var bytes: [UInt8]

  /// The files do not belong together.
  struct Damage: Error {
    var line: Substring
  }

  /// A line of the table.
  private var line: String { "\(bytes.count) \(String(fnv1a(bytes), radix: 16)) \(name)" }

  static func read(from folder: URL) throws -> [GoldenCode] {
    let table = try String(contentsOf: folder.appendingPathComponent("code.txt"), encoding: .utf8)
    var bytes = try [UInt8](Data(contentsOf: folder.appendingPathComponent("code.bin")))[...]
    return try table.split(separator: "\n").map { line in
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count == 3, let count = Int(words[0]) else { throw Damage(line: line) }
      let code = GoldenCode(name: String(words[2]), bytes: Array(bytes.prefix(count)))
      bytes = bytes.dropFirst(count)
      guard code.line == line else { throw Damage(line: line) }
      return code
    }
  }

  static func write(_ codes: [GoldenCode], to folder: URL) throws {
    let table = codes.map { $0.line + "\n" }.joined()
    try table.write(
      to: folder.appendingPathComponent("code.txt"), atomically: true, encoding: .utf8)
    try Data(codes.flatMap(\.bytes)).write(to: folder.appendingPathComponent("code.bin"))
  }
}

/// Source: G. Fowler, L. C. Noll, K.-P. Vo, "The FNV non-cryptographic hash algorithm".
private func fnv1a(_ bytes: [UInt8]) -> UInt64 {
  bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}

/// How code differs: in instructions where a disassembler is installed, else in bytes.
private struct CodeDifference: CustomStringConvertible {
  var old: [UInt8]
  var new: [UInt8]

  /// The most lines that are shown.
  private static let limit = 40

  var description: String {
    let disassembler = Disassembler()
    guard let old = disassembler?.lines(old), let new = disassembler?.lines(new) else {
      return bytes
    }
    let changes = new.difference(from: old).map { change in
      switch change {
      case .insert(let offset, let line, _): (offset, "+ \(line)")
      case .remove(let offset, let line, _): (offset, "- \(line)")
      }
    }
    let lines = changes.sorted { $0.0 < $1.0 }.map(\.1)
    let rest = lines.count - CodeDifference.limit
    return (lines.prefix(CodeDifference.limit) + (rest > 0 ? ["… and \(rest) more lines"] : []))
      .joined(separator: "\n")
  }

  private var bytes: String {
    let first = zip(old, new).enumerated().first { $1.0 != $1.1 }?.offset
    let place = first ?? min(old.count, new.count)
    func text(_ code: [UInt8]) -> String {
      code.dropFirst(place).prefix(16).map { String($0, radix: 16) }.joined(separator: " ")
    }
    return "from byte \(place) on: \(text(old)) became \(text(new))"
  }
}

/// `objdump`, where it is installed: code as text.
private struct Disassembler {
  private let program: URL

  init?() {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let candidates = path.split(separator: ":").map {
      URL(fileURLWithPath: String($0)).appendingPathComponent("objdump")
    }
    let found = candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    guard let found else { return nil }
    program = found
  }

  /// The instructions of some code, without where they stand; nil where the program cannot read it, as LLVM's of
  /// the same name cannot.
  func lines(_ code: [UInt8]) -> [String]? {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("convoy-code-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let (process, output) = (Process(), Pipe())
    process.executableURL = program
    process.arguments = [
      "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn", file.path,
    ]
    process.standardOutput = output
    do {
      try Data(code).write(to: file)
      try process.run()
    } catch {
      return nil
    }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return text.split(separator: "\n").compactMap { line in
      // An instruction's line is its address, a colon, tabs and the text.
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, line.first == " " else { return nil }
      return parts[1].trimmingCharacters(in: .whitespaces)
    }
  }
}
