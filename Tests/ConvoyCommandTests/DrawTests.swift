import Foundation
import Testing

@Suite struct DrawTests {
  /// Every kind of picture that needs nothing but its arguments.
  @Test func drawsEveryKind() throws {
    try withFolder { folder in
      let kinds = [
        ["arithmetic", "--padding", "1"], ["arithmetic", "--storyboard", "--groups", "1"],
        ["volumes", "--groups", "3", "--channels", "6", "--outputs", "6"],
        ["connections", "--sheet"], ["connections", "shuffle", "--groups", "3"], ["matrix"],
        ["matrix", "--model", "zoo:lenet", "--layer", "c3"], ["network", "zoo:alexnet"],
        ["network", "zoo:resnet-18", "--expand"],
        ["filters", "--model", "zoo:alexnet", "--groups", "2"],
        ["correlation", "--model", "zoo:alexnet", "--groups", "2"],
      ]
      for kind in kinds {
        let run = try CommandRun(["draw"] + kind + ["-o", "a.svg"], in: folder)
        #expect(run.status == 0, "\(kind): \(run.errors)")
        let text = try String(contentsOfFile: "\(folder)/a.svg", encoding: .utf8)
        #expect(text.hasPrefix("<svg ") && text.hasSuffix("</svg>\n"), "\(kind)")
      }
      let page = try CommandRun(["draw", "volumes", "-o", "a.html", "--theme", "dark"], in: folder)
      #expect(page.status == 0, "\(page.errors)")
    }
  }

  @Test func drawsHistoriesAndRooflines() throws {
    try withFolder { folder in
      let history =
        "epoch,loss,trainingAccuracy,heldOutAccuracy,rate,seconds\n1,2.5,0.2,0.3,0.1,1\n"
      try history.write(toFile: "\(folder)/history.csv", atomically: true, encoding: .utf8)
      let drawn = try CommandRun(["draw", "history", ".", "-o", "h.svg"], in: folder)
      #expect(drawn.status == 0, "\(drawn.errors)")
      let layer = """
        {"gigaflopsPerSecond":59,"intensity":8,"kernel":"a","medianMilliseconds":1,\
        "milliseconds":1,"name":"conv","percentOfPeak":50}

        """
      try layer.write(toFile: "\(folder)/l.json", atomically: true, encoding: .utf8)
      let roof = try CommandRun(["draw", "roofline", "l.json", "-o", "r.svg"], in: folder)
      #expect(roof.status == 0, "\(roof.errors)")
      let text = try String(contentsOfFile: "\(folder)/r.svg", encoding: .utf8)
      #expect(text.contains("peak 118 GFLOP/s"))
    }
  }

  @Test func refusesInOneSentence() throws {
    try withFolder { folder in
      try "epoch,loss\n".write(toFile: "\(folder)/a.csv", atomically: true, encoding: .utf8)
      let mistakes = [
        ["arithmetic", "--input", "200"], ["volumes", "--kernel", "9"], ["history", "a.csv"],
        ["connections", "grouped3x3", "--groups", "4"], ["matrix", "--groups", "5"],
        ["matrix", "--model", "zoo:alexnet"], ["filters"], ["roofline", "a.csv"],
        ["network", "nowhere"], ["study", "nowhere"], ["study", "a.csv"],
        ["confusion", "nowhere"],
      ]
      for mistake in mistakes {
        let run = try CommandRun(["draw"] + mistake + ["-o", "a.svg"], in: folder)
        #expect(run.status == 64 || run.status == 1, "\(mistake)")
        let sentence = run.errors.split(separator: "\n").last ?? ""
        #expect(sentence.hasPrefix("convoy: ") && sentence.hasSuffix("."), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/a.svg"))
      }
    }
  }
}
