import Foundation
import Testing

/// Expects that a report is a whole page which needs nothing beside it, is small, and says some things.
func expectSoundReport(
  _ path: String, _ words: [String], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let text = try String(contentsOfFile: path, encoding: .utf8)
  #expect(text.utf8.count < 1_500_000, sourceLocation: sourceLocation)
  #expect(text.hasPrefix("<!DOCTYPE html>") && text.hasSuffix("</html>\n"))
  #expect(!text.contains("<script") && !text.contains("<link"), sourceLocation: sourceLocation)
  for part in text.components(separatedBy: "src=\"").dropFirst() {
    #expect(part.hasPrefix("data:image/png;base64,"), sourceLocation: sourceLocation)
  }
  var identifiers = Set<String>()
  for part in text.components(separatedBy: " id=\"").dropFirst() {
    let name = String(part.prefix { $0 != "\"" })
    #expect(identifiers.insert(name).inserted, "\(name)", sourceLocation: sourceLocation)
  }
  for word in words {
    #expect(text.contains(word), "\(word)", sourceLocation: sourceLocation)
  }
}

@Suite struct ReportTests {
  /// What the report says is what the command says.
  @Test func tellsHowATrainingWent() throws {
    try withFolder { folder in
      let train = try CommandRun(
        ["train", "--epochs", "1", "--seed", "3", "--output", "run"], in: folder)
      #expect(train.status == 0, "\(train.errors)")
      #expect(train.output.contains("\n  run/report.html\n"))
      let evaluate = try CommandRun(["evaluate", "run", "--mistakes", "12", "--json"], in: folder)
      let result = try evaluate.lastObject()
      let correct = try #require(result["correct"] as? Int)
      let mistakes = try #require(result["mistakes"] as? [[String: Any]])
      var words = [
        "<h1>zoo:alexnet-small?channels=1&amp;classes=10&amp;size=8 on digits</h1>",
        "\(correct) of 359 images", ">Loss and accuracy</title>", ">Confusion matrix</title>",
        "Kernels of conv1", "Sorted by the 2 groups of the layer that reads them.",
        "Correlation of the filters of conv1", "<td>94,634</td>", "<td>1,232,128</td>",
        "A multiply-add is a multiplication", "SGD, momentum 0.9",
      ]
      #expect(mistakes.count == 12)
      for mistake in mistakes {
        let names = ["expected", "got"].compactMap { mistake[$0] as? String }
        words.append("<span>\(names[0]), taken for \(names[1])</span>")
        words.append("<span>image \(try #require(mistake["index"] as? Int))</span>")
      }
      try expectSoundReport("\(folder)/run/report.html", words)
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/run")
      #expect(Set(left) == ["checkpoint.safetensors", "history.csv", "report.html"])
    }
  }

  /// A first layer in colours, and a network without groups.
  @Test func tellsOfColours() throws {
    try withFolder { folder in
      let train = try CommandRun(
        [
          "train", "--model", "zoo:nin", "--data", "gratings?size=16&count=160&classes=4",
          "--batch", "64",
          "--epochs", "1", "--output", "run",
        ], in: folder)
      #expect(train.status == 0, "\(train.errors)")
      try expectSoundReport(
        "\(folder)/run/report.html", ["Kernels of", "<h2>Test images</h2>", "op/byte"])
    }
  }
}
