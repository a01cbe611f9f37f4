import Foundation
import Testing

@Suite struct CostTests {
  /// A row of the table of costs in `Documentation/Zoo.md`, whose numbers are the published ones.
  struct Row: CustomTestStringConvertible {
    var network: String
    var parameters: Int
    var multiplyAdds: Int
    var testDescription: String { network }

    init?(_ line: Substring) {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      func number(_ text: String) -> Int? { Int(text.replacingOccurrences(of: ",", with: "")) }
      guard cells.count == 3, let parameters = number(cells[1]),
        let multiplyAdds = number(cells[2])
      else { return nil }
      network = String(cells[0].split(separator: "`")[0])
      self.parameters = parameters
      self.multiplyAdds = multiplyAdds
    }

    static let all: [Row] = {
      let page = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Documentation/Zoo.md")
      let text = try? String(contentsOf: page, encoding: .utf8)
      return (text ?? "").split(separator: "\n").compactMap { Row($0) }
    }()
  }

  @Test func everyNetworkCostsWhatIsPublished() throws {
    try withFolder { folder in
      #expect(Row.all.count > 40)
      for row in Row.all {
        let run = try CommandRun(["cost", "zoo:\(row.network)", "--json"], in: folder)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.lines.count == 1)
        let object = try run.lastObject()
        #expect(object["parameters"] as? Int == row.parameters, "\(row.network)")
        #expect(object["multiplyAdds"] as? Int == row.multiplyAdds, "\(row.network)")
        let layers = try #require(object["layers"] as? [[String: Any]])
        for key in ["parameters", "multiplyAdds", "bytes"] {
          let sum = layers.reduce(0) { $0 + ($1[key] as? Int ?? 0) }
          #expect(object[key] as? Int == sum, "\(key) of \(row.network)")
        }
      }
    }
  }

  /// The page shows what the commands on it print.
  @Test func thePageIsTrue() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Documentation/Cost.md")
    let blocks = try String(contentsOf: page, encoding: .utf8).components(
      separatedBy: "```console\n")
    #expect(blocks.count > 3)
    try withFolder { folder in
      for block in blocks.dropFirst() {
        let shown = try #require(block.components(separatedBy: "```").first)
        let command = try #require(shown.split(separator: "\n").first)
        #expect(command.hasPrefix("$ convoy cost "))
        let words = command.dropFirst(9).replacingOccurrences(of: "'", with: "").split(
          separator: " ")
        let run = try CommandRun(words.map(String.init), in: folder)
        #expect(run.status == 0, "\(run.errors)")
        // Lines may be left out where the page says … .
        var rest = run.lines[...]
        for line in shown.split(separator: "\n").dropFirst() where line != "…" {
          let place = rest.firstIndex(of: line)
          #expect(place != nil, "\(command): \(line)")
          if let place { rest = rest[(place + 1)...] }
        }
      }
    }
  }

  @Test func layersAreTold() throws {
    try withFolder { folder in
      let run = try CommandRun(["cost", "zoo:alexnet"], in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let conv2 = try #require(run.lines.first { $0.hasPrefix("conv2 ") })
      for part in ["5×5 g2", "1×256×27×27", " 2 ", "307,456", "223,948,800"] {
        #expect(conv2.contains(part), "\(part) in \(conv2)")
      }
      let total = try #require(run.lines.first { $0.hasPrefix("total") })
      #expect(total.contains("60,965,224") && total.contains("724,406,816"))
      #expect(run.output.contains("A multiply-add is a multiplication and the addition"))

      let object = try CommandRun(["cost", "zoo:alexnet", "--json"], in: folder).lastObject()
      let layers = try #require(object["layers"] as? [[String: Any]])
      let layer = try #require(layers.first { $0["name"] as? String == "conv2" })
      #expect(layer["operator"] as? String == "convolution")
      #expect(layer["outputShape"] as? [Int] == [1, 256, 27, 27])
      #expect(layer["groups"] as? Int == 2)
      #expect(layer["milliseconds"] == nil)
      // Image, weights, bias and output, each once.
      let bytes = 4 * (96 * 27 * 27 + 256 * 48 * 25 + 256 + 256 * 27 * 27)
      #expect(layer["bytes"] as? Int == bytes)
      let intensity = try #require(layer["intensity"] as? Double)
      #expect(abs(intensity - 2 * 223_948_800 / Double(bytes)) < 1e-9 * intensity)
    }
  }

  @Test func layersAreTimed() throws {
    try withFolder { folder in
      let command = ["cost", "zoo:resnet-18", "--input", "3x32x32", "--measure"]
      let object = try CommandRun(command + ["--json"], in: folder).lastObject()
      let whole = try #require(object["milliseconds"] as? Double)
      #expect(whole > 0)
      #expect((object["percentOfPeak"] as? Double ?? 0) > 0)
      #expect(object["threads"] as? Int == 1)
      let layers = try #require(object["layers"] as? [[String: Any]])
      #expect(layers[0]["name"] as? String == "conv1")
      #expect((layers[0]["milliseconds"] as? Double ?? 0) > 0)
      #expect((layers[0]["percentOfPeak"] as? Double ?? 0) > 0)
      #expect(layers[1]["within"] as? String == "conv1")
      for layer in layers {
        #expect(layer["milliseconds"] != nil || layer["within"] != nil, "\(layer)")
      }
      let text = try CommandRun(command, in: folder)
      #expect(text.output.contains("in conv1"))
      #expect(text.output.contains("Timed on 1 thread, batch 1, where the peak is"))
    }
  }

  @Test func imagesCanBeOthers() throws {
    try withFolder { folder in
      let grey = try CommandRun(
        ["cost", "zoo:resnet-18", "--input", "1x64x96", "--json"], in: folder
      ).lastObject()
      // The first of 7×7 meets one channel in place of three.
      #expect(grey["parameters"] as? Int == 11_689_512 - 64 * 2 * 49)
      let layers = try #require(grey["layers"] as? [[String: Any]])
      #expect(layers[0]["outputShape"] as? [Int] == [1, 64, 32, 48])
    }
  }

  @Test func groupsAreCompared() throws {
    try withFolder { folder in
      let command = ["cost", "zoo:alexnet?groups=1", "--groups", "2,4"]
      let only = ["--only", "conv2", "--only", "conv4", "--only", "conv5"]
      let object = try CommandRun(command + only + ["--json"], in: folder).lastObject()
      #expect(object["parameters"] as? Int == 62_378_344)
      let variants = try #require(object["variants"] as? [[String: Any]])
      #expect(variants.map { $0["groups"] as? Int } == [2, 4])
      #expect(variants.map { $0["parameters"] as? Int } == [60_965_224, 60_258_664])
      #expect(variants.map { $0["multiplyAdds"] as? Int } == [724_406_816, 518_982_176])
      let layers = try #require(variants[0]["layers"] as? [[String: Any]])
      #expect(layers.map { $0["name"] as? String } == ["conv2", "conv4", "conv5"])
      #expect(layers[0]["multiplyAddsBefore"] as? Int == 447_897_600)
      #expect(layers[0]["multiplyAddsAfter"] as? Int == 223_948_800)
      #expect(layers[0]["reason"] == nil)

      let text = try CommandRun(command, in: folder)
      #expect(text.status == 0, "\(text.errors)")
      #expect(text.output.contains("its 3 input channels do not divide into 2 groups"))
      #expect(text.output.contains("4 of 5"))
    }
  }

  @Test func groupsAreTimed() throws {
    try withFolder { folder in
      let command = ["cost", "zoo:lenet", "--groups", "2", "--measure", "--batch", "3"]
      let object = try CommandRun(command + ["--json"], in: folder).lastObject()
      #expect((object["milliseconds"] as? Double ?? 0) > 0)
      #expect(object["batch"] as? Int == 3)
      let variants = try #require(object["variants"] as? [[String: Any]])
      let layers = try #require(variants[0]["layers"] as? [[String: Any]])
      for layer in layers {
        for key in ["forward", "training"] {
          #expect((layer["\(key)MillisecondsBefore"] as? Double ?? 0) > 0)
          #expect((layer["\(key)MillisecondsAfter"] as? Double ?? 0) > 0)
        }
      }
      let text = try CommandRun(command, in: folder)
      #expect(text.output.contains("tr ms"))
    }
  }

  @Test(
    arguments: [
      (["cost"], "model"), (["cost", "zoo:alexnett"], "alexnet"),
      (["cost", "resnet-18"], "zoo:resnet-18"),
      (["cost", "zoo:lenet", "--input", "28x28"], "28x28"),
      (["cost", "zoo:lenet", "--input", "1x0x28"], "1x0x28"),
      (
        ["cost", "zoo:alexnet-small", "--input", "3x16x16"],
        "zoo:alexnet-small?channels=3&size=16 is made for such images"
      ),
      (["cost", "zoo:vgg-19", "--input", "3x64x96"], "The network takes no image of 3×64×96"),
      (["cost", "zoo:resnet-18", "--groups", "0"], "0"),
      (["cost", "zoo:resnet-18", "--groups", "2,,4"], "2,,4"),
      (["cost", "zoo:resnet-18", "--only", "conv1"], "--groups"),
      (["cost", "zoo:resnet-18", "--groups", "2", "--only", "fly"], "fly"),
      (["cost", "zoo:resnet-18", "--threads", "0"], "--threads"),
      (["cost", "zoo:resnet-18", "--batch", "0"], "--batch"),
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
