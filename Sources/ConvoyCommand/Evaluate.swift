import ArgumentParser
import Convoy

/// `convoy evaluate`
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Examines a trained network on images it has not seen.",
    discussion: """
      Examples:
        convoy evaluate runs/digits-1
        convoy evaluate runs/digits-1 --mistakes 50 --json
        convoy evaluate runs/cifar-10-1 --data path/to/cifar-10-batches-bin --json
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder that `convoy train` wrote, or its checkpoint.safetensors.", valueName: "run"))
  var trained: String

  @Option(
    help: ArgumentHelp(
      "The images, as for `convoy train`; those of the training by default.", valueName: "data"))
  var data: String?

  @OptionGroup(title: "Machine") var machine: ThreadArguments

  @Option(
    help: ArgumentHelp(
      "List so many of the images that were not recognised, those the network was surest of first.",
      valueName: "number"))
  var mistakes = 10

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (0...100_000).contains(mistakes) else {
      throw ValidationError("Expected from 0 to 100000 in --mistakes, got \(mistakes).")
    }
  }

  func run() throws {
    let examination = try Examination(of: trained, data: data)
    let evaluation = try examination.run(mistakeLimit: mistakes, options: machine.options)
    if json {
      try Console.json(EvaluationReport(evaluation, data: examination.dataName))
    } else {
      if let contents = examination.contents { Console.line(contents.description) }
      Report.print(evaluation)
      Report.print(mistakes: evaluation)
    }
  }
}

/// A trained network, and the images it is examined on.
struct Examination {
  let checkpoint: Checkpoint
  /// The images, as they were asked for.
  let dataName: String
  let test: any DataSet
  /// What was taken from the images' folder, and what was left; nil where there is none.
  let contents: FolderContents?

  /// - Parameter data: the images; nil for those of the training.
  /// - Throws: `ConvoyError` when there is no such training, or no such data.
  init(of trained: String, data: String?) throws(ConvoyError) {
    checkpoint = try RunFolder.checkpoint(at: trained)
    guard let name = data ?? checkpoint.training?.data else {
      throw ConvoyError(
        .argument, "The checkpoint does not say what data it learnt from; name some with --data.")
    }
    dataName = name
    let splits = try DataSets.open(name, size: checkpoint.imageShape[1])
    (test, contents) = (splits.test, splits.contents)
  }

  /// Examines the network, with a bar where a person watches.
  func run(mistakeLimit: Int = 0, options: CompileOptions) throws(ConvoyError) -> Evaluation {
    let classifier = try Classifier(checkpoint, batch: min(64, test.count), options: options)
    var bar = ProgressBar("evaluating", total: test.count)
    defer { bar.clear() }
    return try classifier.evaluate(test, mistakeLimit: mistakeLimit) { bar.update($0) }
  }
}

/// An examination, as people and programs read it.
enum Report {
  /// The accuracy, and how each class fared.
  static func print(_ evaluation: Evaluation) {
    Console.lines(
      "Test accuracy \((evaluation.accuracy * 100).text(2)) %: "
        + "\(evaluation.correct) of \(evaluation.count) images recognised.\n")
    var table = TextTable(["class", "images", "recognised", "precision", "taken most for"])
    for (label, name) in evaluation.classNames.enumerated() {
      let row = evaluation.confusion[label]
      let worst = evaluation.matrix.mostFrequentMistake(ofClass: label)
      table.append([
        name, "\(evaluation.count(ofClass: label))",
        evaluation.recall(ofClass: label)?.percent ?? "–",
        evaluation.precision(ofClass: label)?.percent ?? "–",
        worst.map { "\(evaluation.classNames[$0]) (\(row[$0])×)" } ?? "–",
      ])
    }
    for line in table.lines { Console.line(line) }
  }

  /// The mistakes that were kept, by the images' places in the test part.
  static func print(mistakes evaluation: Evaluation) {
    guard !evaluation.mistakes.isEmpty else { return }
    let wrong = evaluation.count - evaluation.correct
    Console.lines("\nOf the \(wrong) not recognised, those the network was surest of:\n")
    var table = TextTable(["image", "is", "taken for", "sure"])
    for mistake in evaluation.mistakes {
      table.append([
        "\(mistake.index)", evaluation.classNames[mistake.expected],
        evaluation.classNames[mistake.got], mistake.confidence.percent,
      ])
    }
    for line in table.lines { Console.line(line) }
  }
}
