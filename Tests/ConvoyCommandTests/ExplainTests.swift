import ConvoyKernels
import Foundation
import Testing

@Suite struct ExplainTests {
  static let layer = ["explain", "C=128", "N=128", "K=3", "groups=32", "size=56x56"]

  @Test func saysWhatALayerCosts() throws {
    try withFolder { folder in
      let run = try CommandRun(Self.layer, in: folder)
      #expect(run.status == 0, "\(run.errors)")
      for part in [
        "N·(C∕groups)·K²·H'·W'·batch = 128·4·9·56·56·1 = 14,450,688", "= 4,608",
        "image 1,605,632, weights 18,432, output 1,605,632", "8.9 operations a byte", "1∕32",
        "128 of 128", "groups of 4 outputs do not fill planes of 16",
      ] {
        #expect(run.output.contains(part), "\(part)")
      }
      #expect(!run.output.contains("GFLOP/s"))
    }
  }

  /// In one word or several, the attributes mean the same.
  @Test func saysSoToPrograms() throws {
    try withFolder { folder in
      let run = try CommandRun(Self.layer + ["--json", "--isa", "portable"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines.count == 1)
      let object = try run.lastObject()
      #expect(object["multiplyAdds"] as? Int == 14_450_688)
      #expect(object["machine"] as? String == "portable")
      #expect(object["measurement"] == nil)
      let candidates = try #require(object["candidates"] as? [[String: Any]])
      #expect(candidates.filter { $0["isChosen"] as? Bool == true }.count == 1)
      let quoted = [Self.layer.dropFirst().joined(separator: " "), "--json", "--isa", "portable"]
      #expect(try CommandRun(["explain"] + quoted, in: folder).output == run.output)
    }
  }

  /// Every pass says what it did, and leaves what there is after it behind.
  @Test(arguments: [[], ["--training", "--batch", "2"]]) func passes(_ more: [String]) throws {
    try withFolder { folder in
      let words = ["explain", "zoo:lenet", "--passes", "--isa", "portable"] + more
      let run = try CommandRun(words + ["--dump", "out"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let names = more.isEmpty ? ["idle operators", "batch"] : ["training form", "exchanges"]
      for name in names + ["epilogues", "layouts", "lowering", "memory", "weights"] {
        #expect(run.output.contains(name), "\(name)")
      }
      #expect(run.output.contains("arena: ") && run.output.contains("values in planes: "))
      let files = try FileManager.default.contentsOfDirectory(atPath: folder + "/out")
      #expect(files.contains { $0.hasSuffix("-weights.txt") })
      let graphs = files.filter { $0.hasSuffix(".json") }
      #expect(graphs.count == (more.isEmpty ? 10 : 9))
      let listed = try CommandRun(words + ["--json"], in: folder).lastObject()
      let passes = try #require(listed["passes"] as? [[String: Any]])
      #expect(passes.count == (more.isEmpty ? 15 : 14))
    }
  }

  /// Of every step of a model: what the plan was made by, for kernels of every family.
  @Test(arguments: [[], ["--training", "--batch", "2"]]) func kernels(_ more: [String]) throws {
    try withFolder { folder in
      let words = ["explain", "zoo:lenet", "--isa", "portable"] + more
      let run = try CommandRun(words, in: folder)
      #expect(run.status == 0, "\(run.errors)")
      for part in [
        "portable dense", "not generated winograd: ", "has no generated code",
        "portable pooling",
      ] {
        #expect(run.output.contains(part), "\(part)")
      }
      #expect(run.lines.allSatisfy { $0.count <= 80 })
      #expect(run.output.contains("weight gradient") == !more.isEmpty)
      let listed = try CommandRun(words + ["--json"], in: folder).lastObject()
      let steps = try #require(listed["steps"] as? [[String: Any]])
      #expect(!steps.isEmpty)
      for step in steps {
        let candidates = try #require(step["candidates"] as? [[String: Any]])
        #expect(candidates.filter { $0["isChosen"] as? Bool == true }.count == 1, "\(step)")
      }
    }
  }

  @Test func passesAreOfOneModel() throws {
    try withFolder { folder in
      for words in [
        ["C=3", "N=4", "--passes"], ["C=3", "--training"], ["zoo:lenet", "--dump", "x"],
      ] {
        let run = try CommandRun(["explain"] + words, in: folder)
        #expect(run.status == 64)
      }
      let unknown = try CommandRun(["explain", "zoo:nothing", "--passes"], in: folder)
      #expect(unknown.status != 0)
    }
  }

  /// `CONVOY_ISA` chooses the machine of a process.
  @Test(arguments: Machine.available.map(\.name))
  func theEnvironmentChoosesTheMachine(name: String) throws {
    try withFolder { folder in
      let run = try CommandRun(
        Self.layer + ["--json"], in: folder, environment: ["CONVOY_ISA": name])
      #expect(run.status == 0)
      #expect(run.errors.isEmpty, "\(run.errors)")
      let object = try run.lastObject()
      #expect(object["machine"] as? String == name)
      #expect((object["kernel"] as? String)?.hasPrefix(name) == true)
    }
  }

  @Test func anUnknownMachineIsTheBestWithANotice() throws {
    try withFolder { folder in
      let run = try CommandRun(
        Self.layer + ["--json"], in: folder, environment: ["CONVOY_ISA": "sse"])
      #expect(run.status == 0)
      #expect(run.errors.split(separator: "\n").count == 1)
      #expect(run.errors.contains("CONVOY_ISA asks for sse"), "\(run.errors)")
      #expect(try run.lastObject()["machine"] as? String == Machine.available.last?.name)
    }
  }

  @Test func measuresWhenAsked() throws {
    try withFolder { folder in
      let run = try CommandRun(
        ["explain", "C=8", "N=8", "K=3", "size=6", "--measure"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("% of the peak of"))
      #expect(run.output.contains("bound "))
    }
  }

  @Test(
    arguments: [
      (["explain"], "key=value"), (["explain", "C=3"], "N is missing"),
      (["explain", "C=3", "N=4", "K=1", "size=1", "groups=2"], "groups"),
      (["explain", "C=3", "N=4", "K=1", "size=1", "fly=2"], "fly"),
      (["explain", "C=three", "N=4", "K=1", "size=1"], "three"),
      (["explain", "C=3", "N=4", "K=1", "size=1", "--isa", "sse"], "portable"),
      (["explain", "C=3", "N=4", "K=1", "size=1", "--threads", "0"], "--threads"),
      (
        ["explain", "C=3", "N=4", "K=2", "size=2", "stride=1000", "transposed=yes"], "4096"
      ),
    ])
  func refusesInOneSentence(arguments: [String], word: String) throws {
    try withFolder { folder in
      let run = try CommandRun(arguments, in: folder)
      #expect(run.status == 64, "\(run.errors)")
      #expect(run.errors.contains(word), "\(run.errors)")
      #expect(run.output.isEmpty)
    }
  }
}

@Suite struct BenchTests {
  private func layers(_ only: String, in folder: String) throws -> [String] {
    let run = try CommandRun(["bench", "layers", "a.csv", "--only", only, "--json"], in: folder)
    #expect(run.status == 0, "\(run.errors)")
    return try run.lines.map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(object?["name"] as? String)
    }
  }

  /// A layer whose name begins another's can be timed alone.
  @Test func exactNamesComeFirst() throws {
    try withFolder { folder in
      let head =
        "name,inputChannels,outputChannels,height,width,kernel,stride,padding,dilation,groups"
      let text = "\(head)\nwide,8,8,4,4,1,1,0,1,1\nwide-2,8,8,4,4,1,1,0,1,1\n"
      try text.write(toFile: "\(folder)/a.csv", atomically: true, encoding: .utf8)
      #expect(try layers("wide", in: folder) == ["wide"])
      #expect(try layers("wid", in: folder) == ["wide", "wide-2"])
    }
  }

  /// The picture has both roofs, and says where they meet.
  @Test func drawsARoofline() throws {
    try withFolder { folder in
      let run = try CommandRun(
        ["bench", "layers", "--only", "squeezenet-expand3x3"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let picture = run.lines.filter { $0.contains("│") }
      #expect(picture.count == 11)
      #expect(picture[0].contains("──"))
      #expect(picture.contains { $0.contains("·") })
      #expect(run.output.contains("┴"))
      #expect(run.output.contains("a squeezenet-expand3x3"))
      #expect(run.output.contains("GB/s"))
    }
  }
}
