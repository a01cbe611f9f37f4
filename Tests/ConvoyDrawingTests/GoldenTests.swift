import ConvoyGraphs
import ConvoyTensors
import ConvoyZoo
import Foundation
import Testing

@testable import ConvoyDrawing

/// A picture of each kind, small enough to be read as a file.
enum Samples {
  static let names = [
    "arithmetic-animation", "arithmetic-groups", "arithmetic-transposed", "arithmetic-storyboard",
    "volumes", "volumes-grouped", "volumes-depthwise", "connections", "connections-sheet",
    "matrix", "network-alexnet", "network-resnet-18", "ranks-alexnet", "filters", "correlation",
    "history", "roofline", "study", "confusion",
  ]

  static func picture(_ name: String) throws -> Picture {
    var random = Random(seed: 11)
    var arithmetic = ArithmeticParameters()
    var volumes = VolumeParameters()
    switch name {
    case "arithmetic-animation":
      arithmetic.operation = .maximum
      arithmetic.kernel = [2, 2]
      arithmetic.stride = [2, 2]
      return try ConvolutionArithmetic(arithmetic).animation()
    case "arithmetic-groups":
      arithmetic.input = [4, 4]
      (arithmetic.inputChannels, arithmetic.outputChannels, arithmetic.groups) = (4, 4, 2)
      return try ConvolutionArithmetic(arithmetic).still(frame: 7)
    case "arithmetic-transposed":
      arithmetic.operation = .transposed
      arithmetic.input = [3, 3]
      (arithmetic.stride, arithmetic.padding) = ([2, 2], [1, 1])
      return try ConvolutionArithmetic(arithmetic).still(frame: 9)
    case "arithmetic-storyboard":
      arithmetic.operation = .average
      return try ConvolutionArithmetic(arithmetic).storyboard(frames: [1, 5, 9])
    case "volumes": return try .volumes(volumes)
    case "volumes-grouped":
      (volumes.inputChannels, volumes.outputChannels, volumes.groups) = (24, 48, 3)
      return try .volumes(volumes)
    case "volumes-depthwise":
      (volumes.inputChannels, volumes.outputChannels, volumes.groups) = (32, 32, 32)
      (volumes.isSymbolic, volumes.padding) = (true, 1)
      return try .volumes(volumes)
    case "connections": return try .connections([ConnectionDiagram.blocks[2]])
    case "connections-sheet": return try .connectionSheet()
    case "matrix":
      return try .channelMatrix(Tensor(normal: [16, 4, 3, 3], using: &random), groups: 4)
    case "filters":
      return try .filters(Tensor(normal: [8, 3, 5, 5], using: &random), groups: 2, name: "conv1")
    case "correlation":
      return try .filterCorrelation(
        Tensor(normal: [16, 3, 5, 5], using: &random), groups: 2, name: "conv1")
    case "history":
      let points = (1...20).map {
        HistoryPoint(
          epoch: $0, loss: 2 / Double($0), trainingAccuracy: 1 - 0.8 / Double($0),
          heldOutAccuracy: 0.95 - 0.7 / Double($0))
      }
      return try .history(points, title: "digits")
    case "confusion":
      let counts = (0..<5).map { row in
        (0..<5).map { column in
          row == column ? 30 + row : ((row + 2 * column) % 5 == 1 ? 1 + column : 0)
        }
      }
      return try .confusion(counts, classNames: ["cat", "dog", "ship", "plane", "horse"])
    case "study":
      let rows = [
        (1, 136_106, 2_116_864, 0.039), (2, 94_634, 1_232_128, 0.027), (4, 73_898, 789_760, 0.020),
      ]
      let points = rows.map { groups, parameters, multiplyAdds, milliseconds in
        StudyPoint(
          groups: groups, seeds: 3,
          accuracy: StudyPoint.Spread(
            0.98 + 0.001 * Double(groups), deviation: 0.003 + 0.001 * Double(groups)),
          parameters: parameters, multiplyAdds: multiplyAdds,
          milliseconds: StudyPoint.Spread(milliseconds, deviation: 0.001))
      }
      return try .study(points, title: "zoo:alexnet-small on digits, in groups")
    case "roofline":
      let points = (0..<6).map {
        RooflinePoint(
          name: "layer \($0)", intensity: Double(1 << $0), gigaflopsPerSecond: Double(7 << $0) / 2,
          family: $0 < 3 ? "depthwise" : "dense")
      }
      return try .roofline(points, peak: 118, bandwidth: 14)
    case "ranks-alexnet":
      let graph = try Zoo.network("alexnet?groups=2").graph
      return try .network(
        graph.partitioned(groups: 2, batch: 64), title: "alexnet?groups=2 over 2 ranks")
    default:
      let zoo = String(name.dropFirst("network-".count))
      return try .network(try Zoo.network(zoo).graph, title: zoo)
    }
  }
}

@Suite struct GoldenTests {
  /// The files change only on purpose: `CONVOY_UPDATE_GOLDEN=1 swift test --filter GoldenTests`.
  @Test(arguments: Samples.names) func looksAsItDid(_ name: String) throws {
    let picture = try Samples.picture(name)
    for theme in Theme.allCases { try expectSound(picture, theme: theme) }
    let text = picture.svg(theme: .auto)
    if ProcessInfo.processInfo.environment["CONVOY_UPDATE_GOLDEN"] == "1" {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      try text.write(
        to: folder.appending(path: "Golden/\(name).svg"), atomically: true, encoding: .utf8)
      return
    }
    let golden = try #require(
      Bundle.module.url(forResource: name, withExtension: "svg", subdirectory: "Golden"))
    let expected = try String(contentsOf: golden, encoding: .utf8)
    #expect(text == expected, "\(name).svg is not what it was.")
  }

  @Test func themesDiffer() throws {
    let picture = try Samples.picture("volumes")
    #expect(!picture.svg(theme: .light).contains("prefers-color-scheme"))
    #expect(picture.svg(theme: .auto).contains("prefers-color-scheme"))
    #expect(picture.svg(theme: .dark).contains(Tone.paper.color(isDark: true).hex))
    let page = picture.html(theme: .auto)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("<svg "))
  }

  /// Where Chromium is installed, it draws every kind and says nothing of errors.
  @Test(.enabled(if: chromium != nil)) func chromiumDrawsThem() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // All in one page, each as a document of its own, so that the browser starts once.
    var body = ""
    for name in Samples.names {
      let text = try Samples.picture(name).svg(theme: .light)
      try text.write(to: folder.appending(path: "\(name).svg"), atomically: true, encoding: .utf8)
      body += "<img src=\"\(name).svg\" alt=\"\(name)\">"
    }
    let script = """
      <script>onload = () => document.title = [...document.images].filter(i => i.naturalWidth == 0)
      .map(i => i.alt).join(",") + "|" + document.images.length</script>
      """
    let page = folder.appending(path: "all.html")
    try "<!DOCTYPE html><html><body>\(body)\(script)</body></html>".write(
      to: page, atomically: true, encoding: .utf8)
    let process = Process()
    process.executableURL = chromium
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.absoluteString,
    ]
    let output = folder.appending(path: "dom.html")
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let dom = try String(contentsOf: output, encoding: .utf8)
    #expect(dom.contains("<title>|\(Samples.names.count)</title>"), "\(dom.suffix(300))")
  }
}

/// The browser, if there is one.
private let chromium: URL? = [
  "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
]
.first { FileManager.default.isExecutableFile(atPath: $0) }.map { URL(fileURLWithPath: $0) }
