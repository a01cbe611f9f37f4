import Foundation
import Testing

@Suite struct StudyTests {
  /// A network and data that take a moment.
  static let quick = [
    "study", "groups", "--epochs", "1", "--batch", "256", "--threads", "1", "--output", "study",
  ]

  @Test func trainsWhatIsMissingAndGoesOn() throws {
    try withFolder { folder in
      let run = try CommandRun(
        Self.quick + ["--groups", "1,4", "--seeds", "7", "--json"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines.count == 1)
      let object = try run.lastObject()
      let summaries = try #require(object["summaries"] as? [[String: Any]])
      #expect(summaries.map { $0["groups"] as? Int } == [1, 4])
      #expect(summaries.map { $0["parameters"] as? Int } == [136_106, 73_898])
      #expect(summaries.map { $0["multiplyAdds"] as? Int } == [2_116_864, 789_760])
      let first = try String(contentsOfFile: "\(folder)/study/study.json", encoding: .utf8)

      // What is there already stays as it is, to the last digit of its time.
      let more = try CommandRun(Self.quick + ["--groups", "4,2", "--seeds", "7,8"], in: folder)
      #expect(more.status == 0, "\(more.errors)")
      #expect(more.output.contains("3 trainings to do; study/study.json holds 2 already"))
      #expect(more.output.contains("±"))
      let second = try String(contentsOfFile: "\(folder)/study/study.json", encoding: .utf8)
      func runs(_ text: String) throws -> [[String: Any]] {
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return try #require(object?["runs"] as? [[String: Any]])
      }
      let (old, new) = (try runs(first), try runs(second))
      #expect(old.count == 2)
      #expect(new.map { $0["groups"] as? Int } == [1, 2, 2, 4, 4])
      for run in old {
        let same = new.first {
          $0["groups"] as? Int == run["groups"] as? Int && $0["seed"] as? Int == run["seed"] as? Int
        }
        #expect(same?["trainingSeconds"] as? Double == run["trainingSeconds"] as? Double)
      }
      let csv = try String(contentsOfFile: "\(folder)/study/study.csv", encoding: .utf8)
      #expect(csv.split(separator: "\n").count == 6)
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/study")
      #expect(Set(left) == ["study.json", "study.csv", "study.svg", "report.html"])
      try expectSoundReport(
        "\(folder)/study/report.html",
        [
          "5 trainings on digits", "<h2>Accuracy against cost</h2>", "<td>94,634</td>",
          "<td>1,232,128</td>", ">4 groups</text>", "<th scope=\"row\">2</th><td>8</td>",
        ])

      // What was drawn in the end can be drawn again.
      let drawn = try CommandRun(["draw", "study", "study", "-o", "again.svg"], in: folder)
      #expect(drawn.status == 0, "\(drawn.errors)")
      let pictures = try ["study/study.svg", "again.svg"].map {
        try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
      }
      #expect(pictures[0] == pictures[1])
      #expect(pictures[0].contains(">4 groups</text>"))

      for (arguments, word) in [
        (["--epochs", "2"], "other options of training"),
        (["--model", "zoo:lenet?size=12", "--groups", "1"], "name another folder"),
      ] {
        let other = try CommandRun(Self.quick + arguments, in: folder)
        #expect(other.status == 64, "\(other.errors)")
        #expect(other.errors.contains(word), "\(other.errors)")
      }
    }
  }

  /// LeNet has no attribute for groups: its second convolution is divided.
  @Test func networksWithoutTowersAreDivided() throws {
    try withFolder { folder in
      let run = try CommandRun(
        Self.quick + [
          "--model", "zoo:lenet", "--size", "12", "--groups", "1,2", "--seeds", "1", "--json",
        ], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let summaries = try #require(try run.lastObject()["summaries"] as? [[String: Any]])
      let parameters = summaries.compactMap { $0["parameters"] as? Int }
      #expect(parameters.count == 2)
      #expect(parameters[0] - parameters[1] == 16 * 25 * 6 / 2)
    }
  }

  @Test(
    arguments: [
      (["--groups", "3"], "32 channels do not divide into 3 groups"),
      (["--model", "zoo:alexnet-small?groups=2"], "leave groups out"),
      (["--model", "zoo:lenet", "--size", "12", "--groups", "5"], "can have 5 groups"),
      (["--seeds", "1,one"], "1,one"), (["--seed", "3"], "--seeds"),
      (["--data", "nowhere"], "nowhere"), (["--size", "0"], "--size"),
    ])
  func refusesInOneSentence(arguments: [String], word: String) throws {
    try withFolder { folder in
      let run = try CommandRun(Self.quick + arguments, in: folder)
      #expect(run.status == 64, "\(run.errors)")
      #expect(run.errors.contains(word), "\(run.errors)")
      #expect(run.output.isEmpty)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/study"))
    }
  }
}
