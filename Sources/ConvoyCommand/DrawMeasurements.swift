import ArgumentParser
import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `convoy draw history`
struct DrawHistory: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "A training's loss and accuracies, epoch by epoch.",
    discussion: """
      Example:
        convoy draw history runs/digits-1 -o history.svg
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder that `convoy train` wrote, or its history.csv.", valueName: "run"))
  var folder: String

  @Option(help: ArgumentHelp("What stands above.", valueName: "text"))
  var title: String?

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    let path = folder.hasSuffix(".csv") ? folder : RunFolder(path: folder).historyPath
    let text = try WholeFile.text(path, atMost: 1 << 24)
    let points = try HistoryFile.points(text, path: path)
    try drawing.write(try .history(points, title: title ?? "Training in \(folder)"))
  }
}

/// Reads what `convoy train` writes beside its checkpoint.
enum HistoryFile {
  /// - Throws: `ConvoyError` naming the line that is not as expected.
  static func points(_ text: String, path: String) throws(ConvoyError) -> [HistoryPoint] {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let header = lines.first else {
      throw ConvoyError(.format, "The history \(path) is empty; a line of names is expected.")
    }
    let names = header.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    func column(_ name: String) throws(ConvoyError) -> Int {
      guard let index = names.firstIndex(of: name) else {
        throw ConvoyError(
          .format, "The history \(path) has no column \(name), which `convoy train` writes.")
      }
      return index
    }
    let columns = [
      try column("epoch"), try column("loss"), try column("trainingAccuracy"),
      try column("heldOutAccuracy"),
    ]
    var points: [HistoryPoint] = []
    for (index, line) in lines.enumerated().dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      let numbers = columns.compactMap { cells.indices.contains($0) ? Double(cells[$0]) : nil }
      guard numbers.count == columns.count, let epoch = Int(exactly: numbers[0]) else {
        throw ConvoyError(
          .format, "Line \(index + 1) of the history \(path) holds no numbers of an epoch.")
      }
      points.append(
        HistoryPoint(
          epoch: epoch, loss: numbers[1], trainingAccuracy: numbers[2],
          heldOutAccuracy: numbers[3]))
    }
    return points
  }
}

/// `convoy draw roofline`
struct DrawRoofline: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "roofline",
    abstract: "Measured layers below what arithmetic and memory allow.",
    discussion: """
      Reads the lines that `convoy bench layers --json` writes.

      Examples:
        convoy bench layers --json > layers.json
        convoy draw roofline layers.json --bandwidth 14 -o roofline.svg
      """)

  @Argument(
    help: ArgumentHelp("What `convoy bench layers --json` wrote.", valueName: "file"))
  var file: String

  @Option(
    help: ArgumentHelp("GB/s from memory; without it there is no slope.", valueName: "number"))
  var bandwidth: Double?

  @Option(
    help: ArgumentHelp(
      "GFLOP/s at most; by default from the measurements.", valueName: "number"))
  var peak: Double?

  @Option(help: ArgumentHelp("What stands above.", valueName: "text"))
  var title = "Roofline"

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    let text = try WholeFile.text(file, atMost: 1 << 26)
    var rows: [LayerMeasurement] = []
    for (index, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      guard
        let row = try? JSONDecoder().decode(LayerMeasurement.self, from: Data(line.utf8))
      else {
        throw ConvoyError(
          .format,
          "Line \(index + 1) of \(file) is no measurement as `convoy bench layers --json` writes it."
        )
      }
      rows.append(row)
    }
    let peaks = rows.filter { $0.percentOfPeak > 0 }.map {
      $0.gigaflopsPerSecond / $0.percentOfPeak * 100
    }.sorted()
    guard let peak = peak ?? (peaks.isEmpty ? nil : peaks[peaks.count / 2]) else {
      throw ConvoyError(.format, "The file \(file) holds no measurements; --peak is expected.")
    }
    let points = rows.map {
      RooflinePoint(
        name: $0.name, intensity: $0.intensity, gigaflopsPerSecond: $0.gigaflopsPerSecond,
        family: $0.kernel)
    }
    try drawing.write(
      try .roofline(points, peak: peak, bandwidth: bandwidth, title: title))
  }
}
