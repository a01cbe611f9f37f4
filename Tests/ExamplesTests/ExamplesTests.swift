import ConvoyTraining
import Foundation
import Testing

/// Runs the programs in Examples and reads what they print.
@Suite struct ExamplesTests {
  @Test func trainDigits() throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "convoy-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let saved = folder.appending(path: "digits.safetensors").path

    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appending(path: "TrainDigits")
    process.arguments = [saved]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()

    #expect(process.terminationStatus == 0)
    let match = try #require(text.firstMatch(of: /recognised (\d+) of 359 held-out digits/))
    #expect(try #require(Int(match.1)) > 320)
    #expect(text.contains("scores of the first one: 10 numbers"))
    #expect(text.contains("its vertical edges: 1×1×8×8"))
    #expect(try Checkpoint(contentsOf: saved).classNames.count == 10)
  }
}
