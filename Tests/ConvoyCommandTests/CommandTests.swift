import ConvoyFormats
import Foundation
import Testing

/// Runs the command as a user would, in a folder of its own.
struct CommandRun {
  var status: Int32
  var output: String
  var errors: String

  var lines: [Substring] { output.split(separator: "\n") }

  /// - Parameters:
  ///   - environment: what is set besides the environment of the tests.
  ///   - program: what is run instead of the command.
  init(
    _ arguments: [String], in folder: String, environment: [String: String] = [:],
    program: String? = nil
  ) throws {
    let process = Process()
    process.executableURL =
      program.map { URL(fileURLWithPath: $0) }
      ?? URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appending(path: "convoy")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    // Files rather than pipes: whatever the command prints, neither side waits for the other.
    let (out, err) = ("\(folder)/.stdout", "\(folder)/.stderr")
    for path in [out, err] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    process.standardOutput = FileHandle(forWritingAtPath: out)
    process.standardError = FileHandle(forWritingAtPath: err)
    try process.run()
    process.waitUntilExit()
    status = process.terminationStatus
    output = try String(contentsOfFile: out, encoding: .utf8)
    errors = try String(contentsOfFile: err, encoding: .utf8)
  }

  /// The last line of the output, read as a JSON object.
  func lastObject() throws -> [String: Any] {
    let line = try #require(lines.last)
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
    return try #require(object as? [String: Any])
  }
}

func withFolder(_ body: (String) throws -> Void) throws {
  let url = FileManager.default.temporaryDirectory.appending(path: "convoy-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  try body(url.path)
}

@Suite struct CommandTests {
  @Test func trainsEvaluatesClassifiesAndResumes() throws {
    try withFolder { folder in
      let train = try CommandRun(
        ["train", "--epochs", "2", "--seed", "5", "--json", "--output", "whole"], in: folder)
      #expect(train.status == 0, "\(train.errors)")
      let result = try train.lastObject()
      let accuracy = try #require(result["accuracy"] as? Double)
      #expect(accuracy > 0.3 && accuracy <= 1)
      #expect(result["loss"] is Double)
      #expect(result["seconds"] is Double)
      #expect(train.lines.count == 3)

      // The same seed gives the same result.
      let again = try CommandRun(
        ["train", "--epochs", "2", "--seed", "5", "--json", "--output", "again"], in: folder)
      #expect(try again.lastObject()["loss"] as? Double == result["loss"] as? Double)

      let evaluate = try CommandRun(["evaluate", "whole", "--json"], in: folder)
      #expect(evaluate.status == 0, "\(evaluate.errors)")
      #expect(try evaluate.lastObject()["accuracy"] as? Double == accuracy)
      let wrong = try CommandRun(["evaluate", "whole", "--mistakes", "3", "--json"], in: folder)
      let mistakes = try #require(try wrong.lastObject()["mistakes"] as? [[String: Any]])
      #expect(mistakes.count == 3)
      #expect(mistakes[0]["expected"] as? String != mistakes[0]["got"] as? String)
      let told = try CommandRun(["evaluate", "whole", "--mistakes", "3"], in: folder)
      #expect(told.output.contains("those the network was surest of"))

      #expect(result["report"] as? String == "whole/report.html")
      let drawn = try CommandRun(["draw", "confusion", "whole", "-o", "c.svg"], in: folder)
      #expect(drawn.status == 0, "\(drawn.errors)")

      let history = try String(contentsOfFile: "\(folder)/whole/history.csv", encoding: .utf8)
      #expect(history.split(separator: "\n").count == 3)

      let picture = try Image(
        width: 16, height: 16, channels: 1, pixels: (0..<256).map { UInt8($0) })
      try picture.write(to: "\(folder)/a.pgm")
      let classify = try CommandRun(["classify", "whole", "a.pgm", "--top", "3"], in: folder)
      #expect(classify.status == 0, "\(classify.errors)")
      #expect(classify.lines.count == 4)

      let resume = try CommandRun(
        ["train", "--resume", "whole", "--epochs", "3", "--json"], in: folder)
      #expect(resume.status == 0, "\(resume.errors)")
      #expect(try resume.lastObject()["epochs"] as? Int == 3)
    }
  }

  @Test func timesALayer() throws {
    try withFolder { folder in
      let run = try CommandRun(
        ["bench", "layers", "--only", "squeezenet-expand3x3", "--json"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let object = try run.lastObject()
      #expect(object["name"] as? String == "squeezenet-expand3x3")
      for key in ["milliseconds", "medianMilliseconds", "gigaflopsPerSecond", "percentOfPeak"] {
        #expect((object[key] as? Double ?? 0) > 0, "\(key)")
      }
      #expect((object["kernel"] as? String)?.isEmpty == false)
    }
  }

  @Test(
    arguments: [
      (["train", "--model", "zoo:alexnett"], 64, "alexnet"),
      (["train", "--model", "zoo:alexnet?groups=3&size=227", "--size", "227"], 64, "groups"),
      (["train", "--model", "resnet"], 64, "zoo:NAME"),
      (["train", "--data", "nowhere"], 64, "nowhere"),
      (["train", "--epochs", "0"], 64, "--epochs"),
      (["train", "--epochs", "many"], 64, "many"),
      (["train", "--rate", "-1"], 64, "--rate"),
      (["train", "--resume", "nothing"], 1, "nothing"),
      (["train", "--resume", "a", "--output", "b"], 64, "--output"),
      (["evaluate", "nothing"], 1, "nothing"),
      (["evaluate", "nothing", "--mistakes", "-1"], 64, "--mistakes"),
      (["classify", "nothing", "a.png"], 1, "nothing"),
      (["classify"], 64, "model"),
      (["fly"], 64, "fly"),
      (["bench", "layers", "--only", "fly"], 64, "fly"),
      (["bench", "layers", "--threads", "0"], 64, "--threads"),
      (["bench", "layers", "nowhere.csv"], 1, "nowhere.csv"),
    ])
  func refusesInOneSentence(arguments: [String], status: Int32, word: String) throws {
    try withFolder { folder in
      let run = try CommandRun(arguments, in: folder)
      #expect(run.status == status, "\(run.errors)")
      #expect(run.errors.contains(word), "\(run.errors)")
      #expect(run.output.isEmpty)
      // Nothing is left behind.
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(Set(left) == [".stdout", ".stderr"], "\(left)")
    }
  }

  @Test func listsTheZoo() throws {
    try withFolder { folder in
      let table = try CommandRun(["zoo"], in: folder)
      #expect(table.status == 0, "\(table.errors)")
      #expect(table.output.contains("zoo:resnet-50 "))
      #expect(table.output.contains("25,557,032   4,089,184,256"))
      let one = try CommandRun(["zoo", "nin"], in: folder)
      #expect(one.output.contains("966,986 parameters, 222,486,528 multiply-adds"))
      #expect(
        one.output.contains(
          "size=32: the image's height and width in pixels (a whole number from 6 to 512; "
            + "a whole number from 55 to 2048 and by default 224 with form=imagenet)"))
      #expect(
        one.output.contains("from 1 to 100000; by default 1000 with form=imagenet)"))
      let object = try CommandRun(["zoo", "zoo:lenet", "--json"], in: folder).lastObject()
      #expect(object["parameters"] as? Int == 61706)
      #expect(object["image"] as? String == "1×28×28")
      let unknown = try CommandRun(["zoo", "resnet"], in: folder)
      #expect(unknown.status == 64)
      #expect(unknown.errors.contains("The zoo has no network ‘resnet’"))
    }
  }
}
