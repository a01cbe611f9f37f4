import ArgumentParser
import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `convoy study`
struct Study: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Trains a network in several forms and compares them.",
    discussion: """
      Example:
        convoy study groups --model zoo:alexnet-small --groups 1,2,4 \\
          --output groups-study
      """,
    subcommands: [StudyGroups.self])
}

/// `convoy study groups`
struct StudyGroups: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "groups",
    abstract: "Trains a network with several numbers of filter groups, from several seeds.",
    discussion: """
      All are trained alike. A network of the zoo with an attribute `groups` is given
      each number; in another, every convolution that can be is divided, as in
      `convoy cost --groups`. After each training study.json and study.csv are
      written to the folder; what they hold already is not trained again. In the end
      study.svg is drawn, accuracy against parameters, multiply-adds and time, and
      report.html written, with picture and tables in one page.

      Examples:
        convoy study groups --output groups-study
        convoy study groups --model zoo:nin --data cifar-10-batches-bin \\
          --groups 1,4,16 --epochs 30 --seeds 1,2 --flip --crop 4 --output nin-study
      """)

  @Option(
    help: ArgumentHelp(
      "The network: zoo:NAME?key=value&… (see `convoy zoo`).", valueName: "model"))
  var model = "zoo:alexnet-small"

  @Option(help: ArgumentHelp("The numbers of groups.", valueName: "numbers"))
  var groups = GroupList(numbers: [1, 2, 4])

  @Option(help: ArgumentHelp("The images, as for `convoy train`.", valueName: "data"))
  var data = "digits"

  @Option(help: ArgumentHelp("Resize images to this extent.", valueName: "pixels"))
  var size: Int?

  @Option(
    help: ArgumentHelp("What trainings begin from; 1,2,3 by default.", valueName: "numbers"))
  var seeds: SeedList?

  @OptionGroup(title: "Training") var training: TrainingArguments
  @OptionGroup(title: "Machine") var machine: ThreadArguments

  @Option(help: ArgumentHelp("The folder to write to, or to go on in.", valueName: "folder"))
  var output: String

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    if training.seed != nil {
      throw ValidationError("A study has several seeds: expected --seeds, got --seed.")
    }
    if let size, !(1...4096).contains(size) {
      throw ValidationError("Expected from 1 to 4096 pixels in --size, got \(size).")
    }
  }

  func run() throws {
    let splits = try DataSets.open(data, size: size)
    if !json, let contents = splits.contents { Console.line(contents.description) }
    let name = try ModelName.completed(model, for: splits)
    // An impossible number of groups is refused before hours are spent on the others.
    let networks = try Dictionary(
      uniqueKeysWithValues: groups.numbers.map { ($0, try Self.network(name, groups: $0)) })
    let options = training.applied(to: TrainingOptions())
    var folder = try StudyFolder(
      output, GroupStudy(model: name, data: dataName, options: options))
    try folder.write()

    let missing = folder.study.missing(groups: groups.numbers, seeds: seeds?.numbers ?? [1, 2, 3])
    introduce(folder, missing.count)
    var bar = ProgressBar("training", total: missing.count * 1000)
    for (index, item) in missing.enumerated() {
      guard let network = networks[item.groups] else { continue }
      let run = try folder.study.trained(
        network, groups: item.groups, seed: item.seed, data: splits,
        compileOptions: machine.options
      ) { part in
        bar.update(
          index * 1000 + Int(part * 1000),
          "\(index + 1) of \(missing.count): "
            + "\(Self.text(groups: item.groups)), seed \(item.seed)")
      }
      bar.clear()
      folder.study.add(run)
      try folder.write()
      if !json {
        Console.line(
          "\(Self.text(groups: run.groups)), seed \(run.seed): \(run.accuracy.percent) in "
            + "\(run.trainingSeconds.text(1)) s")
      }
    }
    try folder.draw()
    try summarize(folder)
  }

  /// The data as it is to be opened again.
  private var dataName: String {
    size.map { "\(data)\(data.contains("?") ? "&" : "?")size=\($0)" } ?? data
  }

  /// A network of the zoo with so many groups: by its attribute, or else divided.
  private static func network(_ name: String, groups: Int) throws(ConvoyError) -> Network {
    let specification = try Specification(parsing: String(name.dropFirst(4)))
    guard specification.attributes["groups"] == nil else {
      throw ConvoyError(
        .argument, "--groups says how many groups; leave groups out of --model \(name).")
    }
    let entry = try Zoo.entry(named: specification.name)
    var attributes = specification.attributes
    if entry.attributes.contains(where: { $0.key == "groups" }) {
      attributes["groups"] = "\(groups)"
      return try entry.network(attributes)
    }
    let regrouping = try entry.network(attributes).graph.regrouped(groups)
    guard regrouping.layers.contains(where: { $0.refusal == nil }) else {
      throw ConvoyError(
        .argument,
        "No convolution of \(name) can have \(groups) groups"
          + (regrouping.layers.first.map { ": of \($0.name), \($0.refusal ?? "")." } ?? "."))
    }
    return Network(regrouping.graph)
  }

  // MARK: Reporting

  private static func text(groups: Int) -> String { groups == 1 ? "1 group" : "\(groups) groups" }

  private func introduce(_ folder: StudyFolder, _ missing: Int) {
    guard !json else { return }
    let study = folder.study
    let done =
      study.runs.isEmpty ? "" : "; \(folder.jsonPath.escaped) holds \(study.runs.count) already"
    Console.lines(
      "\(study.model.escaped) on \(study.data.escaped), \(study.options.epochs) epochs: "
        + "\(missing) \(missing == 1 ? "training" : "trainings") to do\(done).\n")
  }

  private struct Result: Encodable {
    var study: GroupStudy
    var summaries: [GroupStudy.Summary]
    var json: String
    var csv: String
    var picture: String
    var report: String
  }

  private func summarize(_ folder: StudyFolder) throws(ConvoyError) {
    let summaries = folder.study.summaries
    if json {
      return try Console.json(
        Result(
          study: folder.study, summaries: summaries, json: folder.jsonPath, csv: folder.csvPath,
          picture: folder.picturePath, report: folder.reportPath))
    }
    var table = TextTable(GroupStudy.Summary.names)
    for row in summaries { table.append(row.cells) }
    Console.line()
    for line in table.lines { Console.line(line) }
    Console.lines(
      """

      Mean ± standard deviation over seeds; accuracy on images held out, time forward of one image.
      Wrote
        \(folder.jsonPath.escaped)
        \(folder.csvPath.escaped)
        \(folder.picturePath.escaped)
        \(folder.reportPath.escaped)
      """)
  }
}

extension GroupStudy.Summary {
  /// The names of `cells`.
  static let names = [
    "groups", "parameters", "multiply-adds", "seeds", "accuracy %", "training s", "forward ms",
  ]

  /// A row of the table that is printed, and of the report's.
  var cells: [String] {
    [
      "\(groups)", parameters.grouped, multiplyAdds.grouped, "\(seeds.count)",
      accuracy.text(2, scale: 100), trainingSeconds.text(1), forwardMilliseconds.text(3),
    ]
  }
}

extension GroupStudy.Spread {
  /// `98.14 ± 0.43`.
  func text(_ digits: Int, scale: Double = 1) -> String {
    (mean * scale).text(digits) + (deviation.map { " ± \(($0 * scale).text(digits))" } ?? "")
  }
}

/// Seeds with commas between them: `1,2,3`.
struct SeedList: ExpressibleByArgument {
  let numbers: [UInt64]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    numbers = parts.compactMap { UInt64($0) }
    guard numbers.count == parts.count, Set(numbers).count == numbers.count else {
      ArgumentMessages.expect("different numbers from 0 up, with commas between them")
      return nil
    }
  }
}

/// The folder of a study: the study, and the same as a table.
private struct StudyFolder {
  let path: String
  var study: GroupStudy

  var jsonPath: String { "\(path)/study.json" }
  var csvPath: String { "\(path)/study.csv" }
  var picturePath: String { "\(path)/study.svg" }
  var reportPath: String { "\(path)/report.html" }

  /// Makes the folder, or goes on with the study it holds.
  ///
  /// - Throws: `ConvoyError` when it holds another study.
  init(_ folder: String, _ wanted: GroupStudy) throws(ConvoyError) {
    path = folder.count > 1 && folder.last == "/" ? String(folder.dropLast()) : folder
    study = wanted
    guard FileManager.default.fileExists(atPath: jsonPath) else {
      do {
        try FileManager.default.createDirectory(
          atPath: path, withIntermediateDirectories: true, attributes: nil)
      } catch {
        throw ConvoyError(
          .file, "The folder \(path) cannot be made; expected a place where folders may be made.")
      }
      return
    }
    let begun = try GroupStudy(contentsOf: jsonPath)
    for (what, old, new) in [
      ("the network", begun.model, wanted.model), ("the data", begun.data, wanted.data),
    ] where old != new {
      throw ConvoyError(
        .argument,
        "The study in \(path) has \(what) \(old), not \(new); name another folder by --output.")
    }
    guard begun.options == wanted.options else {
      throw ConvoyError(
        .argument,
        "The study in \(path) was begun with other options of training; give the same, or name another "
          + "folder by --output.")
    }
    study = begun
  }

  /// Writes what the study has come to.
  func write() throws(ConvoyError) {
    try study.write(to: jsonPath)
    try AtomicFile.write(study.csv, to: csvPath)
  }

  /// Draws what the study has come to.
  func draw() throws(ConvoyError) {
    try AtomicFile.write(try study.picture().svg(), to: picturePath)
    try AtomicFile.write(StudyReport(study: study).page.html(), to: reportPath)
  }
}
