import ConvoyFormats
import ConvoyTensors
import Foundation
import Testing

/// What a training knows of its classes and pictures is in the exported model too.
@Suite struct ExportNotesTests {
  private func withTraining(_ body: (String) throws -> Void) throws {
    try withFolder { folder in
      let train = try CommandRun(["train", "--epochs", "2", "--output", "t"], in: folder)
      try #require(train.status == 0, "\(train.errors)")
      let pixels = (0..<400).map { UInt8(($0 * $0) % 251) }
      try Image(width: 20, height: 20, channels: 1, pixels: pixels).write(to: "\(folder)/a.pgm")
      try body(folder)
    }
  }

  private func probabilities(_ arguments: [String], in folder: String) throws -> [String: Double] {
    let run = try CommandRun(
      ["classify"] + arguments + ["a.pgm", "--top", "10", "--json"], in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let guesses = try #require(try run.lastObject()["guesses"] as? [[String: Any]])
    #expect(guesses.count == 10)
    return Dictionary(
      uniqueKeysWithValues: try guesses.map {
        (try #require($0["name"] as? String), try #require($0["probability"] as? Double))
      })
  }

  @Test func anExportedModelClassifiesAsTheTraining() throws {
    try withTraining { folder in
      let expected = try probabilities(["t"], in: folder)
      #expect(expected.keys.sorted() == (0...9).map(String.init))
      for options in [
        [], ["--with-preprocessing"], ["--with-softmax"],
        ["--with-preprocessing", "--with-softmax"],
      ] {
        let export = try CommandRun(["export", "t", "m.onnx"] + options, in: folder)
        #expect(export.status == 0, "\(export.errors)")
        #expect(export.output.contains("10 classes: 0, 1, 2, 3 …"))
        let exported = try probabilities(["m.onnx"], in: folder)
        for (name, probability) in expected {
          #expect(abs((exported[name] ?? -1) - probability) < 1e-4, "\(options) \(name)")
        }
      }
    }
  }

  @Test func labelsNameTheClasses() throws {
    try withTraining { folder in
      let names = (0...9).map { "digit \($0)" }
      try AtomicFile.write(names.joined(separator: "\n") + "\n\n", to: "\(folder)/names.txt")
      let told = try probabilities(["t", "--labels", "names.txt"], in: folder)
      #expect(told.keys.sorted() == names)
      try AtomicFile.write("one\ntwo\n", to: "\(folder)/few.txt")
      let few = try CommandRun(["classify", "t", "a.pgm", "--labels", "few.txt"], in: folder)
      #expect(few.status == 64)
      #expect(few.errors.contains("10 scores, but few.txt names 2 classes"))
    }
  }

  @Test func runTellsTheFiveMostProbable() throws {
    try withTraining { folder in
      let run = try CommandRun(["run", "t", "--input", "a.pgm", "--output", "o"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines.count == 6)
      let best = try probabilities(["t"], in: folder).max { $0.value < $1.value }
      #expect(run.lines[1].hasSuffix("  \(try #require(best?.key))"))
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    try withFolder { folder in
      func refused(_ arguments: [String], _ words: String) throws {
        let run = try CommandRun(arguments, in: folder)
        #expect(run.status == 64 && run.errors.contains(words), "\(run.errors)")
      }
      try refused(["export", "zoo:lenet", "a.onnx", "--with-preprocessing"], "--mean and --std")
      try refused(["export", "zoo:lenet", "a.safetensors", "--with-softmax"], "parameters alone")
      try refused(["export", "zoo:lenet", "a.onnx", "--mean", "0.5"], "together")
      try refused(
        ["export", "zoo:lenet", "a.onnx", "--mean", "0,1", "--std", "1,1", "--with-preprocessing"],
        "one or 1 of each")
    }
  }

  /// Control characters and marks of direction of a name do not reach the terminal.
  @Test func namesAreEscaped() throws {
    try withTraining { folder in
      let names = ["\u{1B}[31mred", "a\u{202E}b", "tab\there"] + (3...9).map(String.init)
      try AtomicFile.write(names.joined(separator: "\n"), to: "\(folder)/names.txt")
      let run = try CommandRun(
        ["classify", "t", "a.pgm", "--labels", "names.txt", "--top", "10"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines.count == 11)
      for text in [#"\u{1B}[31mred"#, #"a\u{202E}b"#, #"tab\there"#] {
        #expect(run.output.contains(text))
      }
      #expect(!run.output.contains("\u{1B}") && !run.output.contains("\u{202E}"))
    }
  }
}

/// What the system refuses ends in a sentence and status 1.
@Suite struct BadDaysTests {
  /// Runs a command in a shell, with `convoy` as `$C`.
  private func shell(_ script: String, in folder: String) throws -> CommandRun {
    let convoy = URL(fileURLWithPath: CommandLine.arguments[0])
      .deletingLastPathComponent().appending(path: "convoy").path
    return try CommandRun(
      ["-c", script], in: folder, environment: ["C": convoy], program: "/bin/sh")
  }

  @Test(arguments: [
    ("$C zoo > /dev/full", "Cannot write to standard output"),
    ("$C --help > /dev/full", "Cannot write to standard output"),
    ("$C zoo >&-", "Cannot write to standard output"),
    ("ulimit -f 8; $C export zoo:lenet a.onnx", "Cannot write ‘a.onnx’: file too large."),
  ])
  func isToldWithStatusOne(script: String, words: String) throws {
    try expectStatusOne(script, words)
  }

  /// Not under the address sanitizer, whose own memory is beyond any limit.
  @Test(arguments: ["export zoo:vgg-19 a.onnx", "bench zoo:vgg-19"])
  func limitedAddressSpaceIsTold(arguments: String) throws {
    try expectStatusOne("ulimit -v 400000; $C \(arguments)", "MiB of memory, but only ")
  }

  private func expectStatusOne(_ script: String, _ words: String) throws {
    try withFolder { folder in
      let run = try shell(script, in: folder)
      #expect(run.status == 1, "\(run.errors)")
      let told = run.errors.split(separator: "\n").last ?? ""
      #expect(told.hasPrefix("convoy: ") && told.contains(words), "\(run.errors)")
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(Set(left) == [".stdout", ".stderr"], "\(left)")
    }
  }

  @Test func aClosedPipeEndsTheCommand() throws {
    try withFolder { folder in
      // More than a pipe holds.
      let run = try shell(
        "{ $C cost zoo:densenet-121 --json --groups 2,4,8; echo $? >status; } | head -c 1; cat status",
        in: folder)
      #expect(run.output.hasSuffix("1\n") && run.errors.isEmpty, "\(run.output) \(run.errors)")
    }
  }

  @Test func argumentsThatAreNotUTF8AreRefused() throws {
    try withFolder { folder in
      let run = try shell("$C run \"$(printf 'caf\\351.onnx')\" --input a --output o", in: folder)
      #expect(run.status == 64)
      #expect(run.errors.contains("takes arguments in UTF-8, but number 2 reads ‘caf�.onnx’"))
    }
  }

  @Test(arguments: [
    (["train", "--rate", "-1"], "Expected a number above 0 in --rate, got -1.0"),
    (["train", "--seed", "-1"], "expected a whole number from 0 up"),
    (["train", "--epochs", "1.5"], "expected a whole number"),
    (["train", "--epochs", "many"], "expected a number"),
    (
      ["cost", "zoo:lenet", "--groups", "0"], "expected up to 32 different numbers of groups from 1"
    ),
    (["cost", "zoo:lenet", "--input", "3x0x2"], "expected channels, height and width"),
  ])
  func whatWasExpectedOfAnOptionIsTold(arguments: [String], words: String) throws {
    try withFolder { folder in
      let run = try CommandRun(arguments, in: folder)
      #expect(run.status == 64 && run.errors.contains(words), "\(run.errors)")
    }
  }
}
