import Foundation
import Testing

/// What is added in a file of its own and stands in a list elsewhere. The compiler does not notice if the entry
/// is forgotten, so the sources are compared with the lists, as text.
@Suite struct SourceListTests {
  struct List: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The folder or file with the declarations.
    let declarations: String
    /// A regular expression of a declaration, with its name as the only group.
    let pattern: String
    /// The folder or file with the list.
    let list: String
    /// The entry of a declaration, with `%` for its name.
    let entry: String

    init(_ name: String, in declarations: String, _ pattern: String, list: String, entry: String) {
      testDescription = name
      (self.declarations, self.pattern) = (declarations, pattern)
      (self.list, self.entry) = (list, entry)
    }
  }

  static let lists = [
    List(
      "activations", in: "Sources/ConvoyTensors/Activations/Functions",
      #"struct (\w+): Activation\b"#, list: "Sources/ConvoyTensors/Activations/Activation.swift",
      entry: "%.self,"),
    List(
      "machines", in: "Sources/ConvoyKernels/Machines",
      #"static func (\w+)\(_ caches: CacheSizes\) -> Machine"#,
      list: "Sources/ConvoyKernels/Machines/Choice.swift", entry: "{ %($0) }"),
    List(
      "machines in the README", in: "Sources/ConvoyKernels/Machines",
      #"static func (\w+)\(_ caches: CacheSizes\) -> Machine"#, list: "README.md", entry: "|%"),
    List(
      "subcommands", in: "Sources/ConvoyCommand", #"struct (\w+): ParsableCommand\b"#,
      list: "Sources/ConvoyCommand", entry: "%.self"),
    List(
      "pictures", in: "Sources/ConvoyDrawing",
      #"public (?:static )?func (\w+)\([^{}]*?\) throws\(ConvoyError\) -> Picture \{"#,
      list: "Tests/ConvoyDrawingTests/GoldenTests.swift", entry: ".%("),
  ]

  @Test(arguments: lists) func everyDeclarationIsListed(_ list: List) throws {
    let pattern = try Regex(list.pattern, as: (Substring, Substring).self)
    let names = Set(try Self.text(list.declarations).matches(of: pattern).map { $0.output.1 })
    // The whole command is the root of the tree of subcommands.
    let expected = names.subtracting(["ConvoyCommand"])
    #expect(!expected.isEmpty, "No declaration is found: the pattern is wrong.")
    let text = try Self.text(list.list)
    let missing = expected.filter { name in
      !text.contains(list.entry.replacing("%", with: name))
    }
    #expect(missing.isEmpty, "\(list.list) does not list \(missing.sorted())")
  }

  /// Every subcommand shows an example in its help, and the documents name it.
  @Test func everySubcommandIsDocumented() throws {
    try withFolder { folder in
      let dump = try CommandRun(["--experimental-dump-help"], in: folder)
      #expect(dump.status == 0, "\(dump.errors)")
      let tree = try JSONDecoder().decode(Dump.self, from: Data(dump.output.utf8)).command
      let readme = try Self.text("README.md")
      let kinds = try Self.text("Documentation/Drawing.md")
      let paths = tree.paths(below: []).filter { !$0.contains("help") }
      #expect(paths.contains(["draw", "filters"]), "\(paths)")
      // A terminal of 80 columns would break a longer line, and the next one would stay short.
      let long = tree.lines.filter { $0.count > 80 }
      #expect(long.isEmpty && tree.lines.count > 100, "\(long)")
      for path in paths {
        let run = try CommandRun(path + ["--help"], in: folder)
        let hasExample = run.output.contains("Example")
        #expect(hasExample, "convoy \(path.joined(separator: " ")): no example in the help")
        // Of a word that is no subcommand, the help is that of the whole command.
        let usage = (["USAGE: convoy"] + path).joined(separator: " ")
        #expect(run.output.contains(usage), "\(usage)")
        if path.first == "draw", path.count == 2 {
          let isListed = kinds.contains("| `\(path[1])` |")
          #expect(isListed, "Documentation/Drawing.md has no row of \(path[1])")
        } else if let name = path.first {
          let isNamed = readme.contains("convoy \(name)")
          #expect(isNamed, "README.md does not name convoy \(name)")
        }
      }
    }
  }

  /// What the command says of itself, as much of it as is needed.
  private struct Dump: Decodable {
    struct Command: Decodable {
      let commandName: String
      let discussion: String?
      let subcommands: [Command]?

      /// The lines of the help texts of this command and those below it.
      var lines: [Substring] {
        (discussion ?? "").split(separator: "\n") + (subcommands ?? []).flatMap(\.lines)
      }

      /// The words after `convoy` that name this command and those below it.
      func paths(below path: [String]) -> [[String]] {
        [path] + (subcommands ?? []).flatMap { $0.paths(below: path + [$0.commandName]) }
      }
    }
    let command: Command
  }

  /// The text of a file of the checkout, or of all files in a folder and below it.
  private static func text(_ path: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let url = root.appending(path: path)
    guard url.pathExtension.isEmpty else { return try String(contentsOf: url, encoding: .utf8) }
    let files = try #require(
      FileManager.default.enumerator(at: url, includingPropertiesForKeys: nil))
    return try files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
      .map { try String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
  }
}
