import Foundation
import Testing

/// The article "1×1 and grouped convolution, seen": its commands print and draw what it shows.
@Suite struct ArticleTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/Convoy/Convoy.docc")

  private static func article() throws -> String {
    try String(contentsOf: folder.appending(path: "SeenConvolutions.md"), encoding: .utf8)
  }

  /// A command of the article, and the lines it is said to print.
  struct Command: Sendable {
    var words: [String]
    var lines: [String]
  }

  /// The blocks of a language: what lies between its fences.
  private static func blocks(_ language: String, in text: String) -> [String] {
    text.components(separatedBy: "```\(language)\n").dropFirst().map {
      $0.components(separatedBy: "\n```")[0]
    }
  }

  /// Words apart by spaces, single quotes taken off.
  private static func words(_ line: String) -> [String] {
    var words: [String] = [""]
    var isQuoted = false
    for character in line {
      switch character {
      case "'": isQuoted.toggle()
      case " " where !isQuoted: words.append("")
      default: words[words.count - 1].append(character)
      }
    }
    return words.filter { !$0.isEmpty }
  }

  private static func commands() throws -> [Command] {
    var commands: [Command] = []
    for line in blocks("console", in: try article()).flatMap({ $0.components(separatedBy: "\n") }) {
      if line.hasPrefix("$ convoy ") {
        commands.append(Command(words: Array(words(line).dropFirst(2)), lines: []))
      } else if !line.isEmpty, line != "…" {
        commands[commands.count - 1].lines.append(line)
      }
    }
    return commands
  }

  /// The pictures that trained networks are shown by: they would take minutes, and differ by the
  /// instruction set.
  private static func trained() throws -> Set<String> {
    let lines = blocks("sh", in: try article()).flatMap { $0.components(separatedBy: "\n") }
    return Set(lines.compactMap { words($0).last }.filter { $0.hasSuffix(".svg") })
  }

  @Test func commandsPrintAndDrawWhatIsShown() throws {
    let isUpdating = ProcessInfo.processInfo.environment["CONVOY_UPDATE_GOLDEN"] == "1"
    let commands = try Self.commands()
    #expect(commands.count >= 25)
    try withFolder { folder in
      for command in commands {
        let run = try CommandRun(command.words, in: folder)
        #expect(run.status == 0, "\(command.words): \(run.errors)")
        var rest = run.output.components(separatedBy: "\n")[...]
        for line in command.lines {
          let place = rest.firstIndex(of: line)
          #expect(place != nil, "\(command.words) does not print ‘\(line)’ but \(run.output)")
          if let place { rest = rest[(place + 1)...] }
        }
        guard let name = command.words.last, name.hasSuffix(".svg") else { continue }
        let drawn = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
        let kept = Self.folder.appending(path: name)
        if isUpdating { try drawn.write(to: kept) }
        #expect(try Data(contentsOf: kept) == drawn, "\(name) is not what its command draws.")
      }
    }
  }

  /// Every picture is shown, with words for those who do not see it, and made by a command.
  @Test func picturesAreThereAndDescribed() throws {
    let shown = try Self.article().matches(of: /!\[([^\]]*)\]\(([^)]*)\)/)
    for picture in shown { #expect(picture.1.count > 40, "\(picture.2)") }
    let names = shown.map { String($0.2) }
    #expect(Set(names).count == names.count)
    let drawn = try Self.commands().compactMap(\.words.last).filter { $0.hasSuffix(".svg") }
    #expect(Set(names) == Set(drawn).union(try Self.trained()))
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(Set(files.filter { $0.hasSuffix(".svg") }) == Set(names))
    for name in names {
      let size = try Data(contentsOf: Self.folder.appending(path: name)).count
      #expect(size < 300_000, "\(name)")
    }
  }
}
