import Foundation
import Testing

@Suite struct ParallelCostTests {
  private static let page: String = {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Documentation/Cluster.md")
    return (try? String(contentsOf: url, encoding: .utf8)) ?? ""
  }()

  private static func number(_ text: some StringProtocol) -> Int? {
    Int(text.replacingOccurrences(of: ",", with: ""))
  }

  /// Bytes that a rank sends along an axis at most, in the command's JSON.
  private static func sent(_ axis: String, _ object: [String: Any]) -> Int {
    let all = object["sent"] as? [[String: Any]] ?? []
    return all.first { $0["axis"] as? String == axis }?["most"] as? Int ?? 0
  }

  /// The block on the page is what its command prints.
  @Test func thePageShowsWhatIsPrinted() throws {
    let blocks = Self.page.components(separatedBy: "```console\n").dropFirst()
    #expect(!blocks.isEmpty)
    try withFolder { folder in
      for block in blocks {
        let shown = try #require(block.components(separatedBy: "```").first).split(separator: "\n")
        let words = shown[0].dropFirst("$ convoy ".count).replacingOccurrences(of: "'", with: "")
        let run = try CommandRun(words.split(separator: " ").map(String.init), in: folder)
        #expect(run.status == 0, "\(run.errors)")
        let end = try #require(shown.firstIndex(of: "…"))
        #expect(Array(run.lines.prefix(end - 1)) == Array(shown[1..<end]))
      }
    }
  }

  /// So is each row of its table.
  @Test func theTableIsWhatIsPrinted() throws {
    let rows = Self.page.split(separator: "\n")
      .map { $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } }
      .filter { $0.count == 6 && $0[1].contains("=") }
    #expect(rows.count == 12)
    try withFolder { folder in
      for row in rows {
        let (network, ranks) = (row[0].filter { $0 != "`" }, row[1].filter { $0 != "`" })
        let data = ranks.split(separator: ",").first { $0.hasPrefix("data=") }
        let images = 32 * (data.flatMap { Int($0.dropFirst(5)) } ?? 1)
        let run = try CommandRun(
          ["cost", "zoo:\(network)", "--parallel", ranks, "--batch", "\(images)", "--json"],
          in: folder)
        #expect(run.status == 0 && run.lines.count == 1, "\(run.errors)")
        let object = try run.lastObject()
        let rank = try #require(object["rank"] as? [String: Any])
        #expect(rank["parameters"] as? Int == Self.number(row[2]), "\(row)")
        #expect(Self.sent("data", object) == Self.number(row[3]), "\(row)")
        #expect(Self.sent("groups", object) == Self.number(row[4]), "\(row)")
        let scaling = try #require(object["scaling"] as? [[String: Any]])
        let own = scaling.first { $0["batch"] as? Int == images && $0["bytesSent"] as? Int != 0 }
        let efficiency = try #require(own?["efficiency"] as? Double)
        let shown = try #require(Double(row[5].dropLast(2)))
        #expect(abs(100 * efficiency - shown) <= 0.0501, "\(row)")
      }
    }
  }

  @Test func speedsAndBatchesAreHeeded() throws {
    try withFolder { folder in
      func milliseconds(_ options: [String]) throws -> [Double] {
        let run = try CommandRun(
          ["cost", "zoo:alexnet-small", "--parallel", "data=2", "--json"] + options, in: folder)
        let scaling = try #require(try run.lastObject()["scaling"] as? [[String: Any]])
        return try scaling.map { row in
          let timing = try #require(row["timing"] as? [String: Double])
          return (timing["computing"] ?? .nan) + (timing["waiting"] ?? .nan)
        }
      }
      let usual = try milliseconds([])
      #expect(usual.count == 11)
      #expect(try milliseconds(["--gmacs", "25"])[0] == 2 * usual[0])
      #expect(try milliseconds(["--bandwidth", "1"])[1] > usual[1])
      #expect(try milliseconds(["--latency", "300"])[10] > usual[10])
      // 64 images are divided by 64 ranks at most.
      #expect(try milliseconds(["--same-batch"]).count == 7)
    }
  }

  @Test func mistakesAreOneSentence() throws {
    let mistakes: [[String]] = [
      ["--parallel", "x"], ["--parallel", "data=0"], ["--parallel", "groups=7"],
      ["--parallel", "data=3"], ["--parallel", "data=99999999"], ["--bandwidth", "3"],
      ["--same-batch"], ["--parallel", "data=2", "--measure"],
      ["--parallel", "data=2", "--groups", "2"], ["--parallel", "data=2", "--batch", "0"],
      ["--parallel", "data=2", "--bandwidth", "0"], ["--parallel", "data=2", "--gmacs", "nan"],
      ["--parallel", "data=2", "--latency=-1"],
    ]
    try withFolder { folder in
      for mistake in mistakes {
        let run = try CommandRun(["cost", "zoo:alexnet-small"] + mistake, in: folder)
        #expect(run.status == 64 && run.output.isEmpty, "\(mistake)")
        // The parser adds how the command is used.
        let first = try #require(run.errors.split(separator: "\n").first)
        #expect(first.hasSuffix("."), "\(mistake): \(run.errors)")
      }
      for mistake in [
        ["--parallel", "groups=7"], ["--parallel", "data=2"], ["--batch", "0"],
        ["--parallel", "groups=2,data=3"],
      ] {
        let run = try CommandRun(
          ["draw", "network", "zoo:alexnet-small", "-o", "a.svg"] + mistake, in: folder)
        #expect(run.status == 64 && run.output.isEmpty, "\(mistake)")
      }
    }
  }

  @Test func networksOverRanksAreDrawn() throws {
    try withFolder { folder in
      let run = try CommandRun(
        ["draw", "network", "zoo:alexnet-small", "--parallel", "groups=2", "-o", "a.svg"],
        in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let text = try String(contentsOfFile: "\(folder)/a.svg", encoding: .utf8)
      #expect(text.contains("gather 2 parts") && text.contains("each of 2 ranks"))
    }
  }
}
