import ArgumentParser
import Convoy

/// `convoy evaluate`
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Examines a trained network on images it has not seen.",
    discussion: """
      Examples:
        convoy evaluate runs/digits-1
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

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let checkpoint = try RunFolder.checkpoint(at: trained)
    guard let name = data ?? checkpoint.training?.data else {
      throw ConvoyError(
        .argument, "The checkpoint does not say what data it learnt from; name some with --data.")
    }
    let splits = try DataSets.open(name, size: checkpoint.imageShape[1])
    let classifier = try Classifier(
      checkpoint, batch: min(64, splits.test.count), options: machine.options)
    var bar = ProgressBar("evaluating", total: splits.test.count)
    let evaluation = try classifier.evaluate(splits.test) { bar.update($0) }
    bar.clear()
    if json {
      try Console.json(Report.Summary(evaluation))
    } else {
      Report.print(evaluation)
    }
  }
}

/// An examination, as people and programs read it.
enum Report {
  /// The object of `--json`.
  struct Summary: Encodable {
    struct Class: Encodable {
      var name: String
      var count: Int
      var recall: Double?
      var precision: Double?
    }

    var accuracy: Double
    var correct: Int
    var count: Int
    var classes: [Class]
    var confusion: [[Int]]

    init(_ evaluation: Evaluation) {
      accuracy = evaluation.accuracy
      correct = evaluation.correct
      count = evaluation.count
      confusion = evaluation.confusion
      classes = evaluation.classNames.enumerated().map { label, name in
        Class(
          name: name, count: evaluation.count(ofClass: label),
          recall: evaluation.recall(ofClass: label),
          precision: evaluation.precision(ofClass: label))
      }
    }
  }

  /// The accuracy, and how each class fared.
  static func print(_ evaluation: Evaluation) {
    Console.line(
      "Test accuracy \((evaluation.accuracy * 100).text(2)) %: "
        + "\(evaluation.correct) of \(evaluation.count) images recognised.\n")
    var table = TextTable(["class", "images", "recognised", "precision", "taken most for"])
    for (label, name) in evaluation.classNames.enumerated() {
      let row = evaluation.confusion[label]
      let others = row.indices.filter { $0 != label && row[$0] > 0 }
      let worst = others.max { row[$0] < row[$1] }
      table.append([
        name, "\(evaluation.count(ofClass: label))",
        evaluation.recall(ofClass: label)?.percent ?? "–",
        evaluation.precision(ofClass: label)?.percent ?? "–",
        worst.map { "\(evaluation.classNames[$0]) (\(row[$0])×)" } ?? "–",
      ])
    }
    for line in table.lines { Console.line(line) }
  }
}
