import ArgumentParser
import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `convoy draw study`
struct DrawStudy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Accuracy against parameters, multiply-adds and time, by number of groups.",
    discussion: """
      Draws what `convoy study groups` wrote, as it does itself when it ends.

      Example:
        convoy draw study groups-study -o study.svg
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder that `convoy study groups` wrote, or its study.json.", valueName: "study"))
  var folder: String

  @Option(help: ArgumentHelp("What stands above.", valueName: "text"))
  var title: String?

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    var isFolder = false
    let exists = FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
    guard exists else {
      throw ConvoyError(
        .file,
        "There is no study at \(folder); expected a folder that `convoy study groups` wrote, or its "
          + "study.json.")
    }
    let study = try GroupStudy(contentsOf: isFolder ? "\(folder)/study.json" : folder)
    try drawing.write(try study.picture(title: title))
  }
}

extension GroupStudy {
  /// Accuracy against parameters, multiply-adds and time.
  ///
  /// - Throws: `ConvoyError` when nothing is trained yet, or for too many numbers of groups.
  func picture(title: String? = nil) throws(ConvoyError) -> Picture {
    let points = summaries.map { summary in
      StudyPoint(
        groups: summary.groups, seeds: summary.seeds.count,
        accuracy: StudyPoint.Spread(summary.accuracy.mean, deviation: summary.accuracy.deviation),
        parameters: summary.parameters, multiplyAdds: summary.multiplyAdds,
        milliseconds: StudyPoint.Spread(
          summary.forwardMilliseconds.mean, deviation: summary.forwardMilliseconds.deviation))
    }
    return try .study(points, title: title ?? "\(model) on \(data), in groups")
  }
}
