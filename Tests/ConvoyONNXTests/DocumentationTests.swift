import Foundation
import Testing

@testable import ConvoyONNX

/// The tables of `Documentation/ONNX.md` have every operator that is read.
@Suite struct DocumentationTests {
  @Test func everyOperatorIsDocumented() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(
      contentsOf: root.appending(path: "Documentation/ONNX.md"), encoding: .utf8)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("|") }
    let documented = Set(rows.joined(separator: " ").matches(of: /\w+/).map { String($0.output) })
    let known = Set(Conversions.importing.keys).union(Conversions.evaluating.keys)
    // Those of other domains are listed without theirs.
    let names = Set(known.map { $0.split(separator: ".").last.map(String.init) ?? $0 })
    let missing = names.subtracting(documented)
    #expect(missing.isEmpty, "Documentation/ONNX.md does not name \(missing.sorted())")
  }
}
