import Foundation
import Testing

/// `convoy train` and `convoy bench` over ranks that are threads.
@Suite struct ParallelTrainingTests {
  private static let short = [
    "--epochs", "1", "--threads", "2", "--no-winograd", "--rate", "0.002",
  ]

  /// However a step is divided, the epoch's loss is the same.
  @Test func trainsInShares() throws {
    try withFolder { folder in
      var losses: [Double] = []
      for options in [
        [], ["--parallel", "data=2"], ["--parallel", "data=2,groups=2", "--accumulate", "4"],
        ["--accumulate", "64"], ["--parallel", "groups=2", "--bandwidth", "0.1"],
      ] {
        let run = try CommandRun(
          ["train", "--output", "run\(losses.count)", "--json"] + Self.short + options, in: folder)
        #expect(run.status == 0, "\(run.errors)")
        losses.append(try #require(try run.lastObject()["loss"] as? Double))
      }
      for loss in losses { #expect(abs(loss / losses[0] - 1) < 1e-5, "\(losses)") }
    }
  }

  @Test func benchesOverRanks() throws {
    try withFolder { folder in
      let command = [
        "bench", "zoo:alexnet-small", "--direction", "training", "--batch", "8", "--parallel",
        "data=2,groups=2",
      ]
      let run = try CommandRun(command + ["--json"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let object = try run.lastObject()
      #expect((object["bytesSent"] as? Int ?? 0) > 0)
      #expect(object["bytesSent"] as? Int == object["expectedBytesSent"] as? Int)
      for key in ["step", "computing", "withoutOverlapped", "overlappedExchanges", "forecast"] {
        #expect((object[key] as? Double ?? 0) > 0, "\(key)")
      }
      let table = try CommandRun(command, in: folder)
      #expect(table.output.contains("the step by the forecast"))
      #expect(table.output.contains("bytes, as forecast."))
    }
  }

  @Test(arguments: [
    (["train", "--accumulate", "3", "--epochs", "1"], "3 even parts"),
    (["train", "--accumulate", "0"], "--accumulate"),
    (["train", "--parallel", "data=2", "--accumulate", "64"], "32 images of a rank"),
    (["train", "--bandwidth", "1"], "--parallel"),
    (["train", "--parallel", "data=2", "--gmacs", "0"], "--gmacs"),
    (["bench", "zoo:lenet", "--parallel", "data=2"], "--direction training"),
    (["bench", "zoo:lenet", "--accumulate", "2"], "--direction training"),
    (
      [
        "bench", "zoo:lenet", "--direction", "training", "--parallel", "data=2", "--batch", "3",
      ], "divided evenly over 2 ranks"
    ),
  ]) func refusesInOneSentence(arguments: [String], words: String) throws {
    try withFolder { folder in
      let run = try CommandRun(arguments, in: folder)
      #expect(run.status == 64, "\(run.errors)")
      #expect(run.errors.contains(words), "\(run.errors)")
      #expect(run.output.isEmpty)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(Set(left) == [".stdout", ".stderr"], "\(left)")
    }
  }
}
