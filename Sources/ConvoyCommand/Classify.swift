import ArgumentParser
import Convoy

/// `convoy classify`
struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Says what pictures show.",
    discussion: """
      The model has one input, a picture, and one output, the scores of classes.
      Pictures are PNG, JPEG, PGM or PPM, brought to the model's size and colours;
      what a camera notes of their orientation is not applied, and transparency is
      dropped. The classes' names, mean and deviation are those that the model was
      trained or exported with.

      Examples:
        convoy classify runs/digits-1 seven.png --top 3
        convoy classify resnet18.onnx cat.jpg --labels imagenet.txt --size 256 \\
          --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
      """)

  @Argument(help: ArgumentHelp("\(ModelSource.help)", valueName: "model"))
  var model: String

  @Argument(help: ArgumentHelp("Pictures.", valueName: "image"))
  var images: [String]

  @Option(
    help: ArgumentHelp(
      "The classes' names, a line each, in the order of the scores.", valueName: "file"))
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "Parameters for a network of the zoo, by torchvision's names where that has it.",
      valueName: "file.safetensors"))
  var weights: String?

  @OptionGroup(title: "Pictures") var pictures: PictureArguments

  @Option(help: ArgumentHelp("How many classes to name for each.", valueName: "number"))
  var top = 5

  @OptionGroup(title: "Machine") var machine: ThreadArguments

  @Flag(help: "Print one JSON object a picture.")
  var json = false

  func validate() throws {
    if top < 1 { throw ValidationError("Expected at least 1 in --top, got \(top).") }
    if images.isEmpty { throw ValidationError("Expected at least one picture.") }
  }

  func run() throws {
    var source = try ModelSource.load(model, weights: weights, options: machine.options)
    if let labels { source.notes.classNames = try ClassNames.read(labels) }
    guard source.outputs.count == 1 else {
      throw ConvoyError(
        .argument,
        "Expected a model of one output, the scores of classes; \(model) has \(source.outputs.count)."
      )
    }
    let inputs = ModelInputs(source, pictures: pictures.options)
    let (notes, run) = (source.notes, try source.runner(options: machine.options))
    for (position, path) in images.enumerated() {
      let results = try run(try inputs.picture(at: path))
      guard let scores = results[source.outputs[0]]?.scores?.first else {
        let shape = results[source.outputs[0]]?.shape.description ?? "none"
        throw ConvoyError(
          .argument,
          "Expected a model whose output has a row of at least two scores an image; that of \(model) has "
            + "shape \(shape).")
      }
      try ClassNames.check(notes.classNames, count: scores.count, labels ?? model)
      if position == 0, let notice = source.notice { Console.error(notice) }
      let guesses = Guesses(scores, notes, top: top)
      if json {
        try Console.json(Result(image: path, guesses: guesses.ranked))
      } else {
        Console.line(path)
        guesses.print()
      }
    }
  }

  private struct Result: Encodable {
    var image: String
    var guesses: [Guesses.Guess]
  }
}

/// Names of classes from a file.
enum ClassNames {
  /// The lines of a text, without empty ones at its end.
  ///
  /// - Throws: `ConvoyError` when the file cannot be read, or is no text.
  static func read(_ path: String) throws(ConvoyError) -> [String] {
    let text = try WholeFile.text(path, atMost: 1 << 24)
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
    return lines.map(String.init)
  }

  /// Throws unless there are as many names as scores, or no names at all.
  static func check(_ names: [String]?, count: Int, _ source: String) throws(ConvoyError) {
    guard let names, names.count != count else { return }
    throw ConvoyError(
      .argument, "The model has \(count) scores, but \(source) names \(names.count) classes.")
  }
}
