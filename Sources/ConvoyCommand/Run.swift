import ArgumentParser
import Convoy

/// `convoy run`
struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs a model on arrays or pictures, and writes what comes out.",
    discussion: """
      Inputs are .npy files of any shape the model takes, also with more images than
      one, or pictures (PNG, JPEG, PGM or PPM), which are brought to the model's size
      and colours, or keep their size where the model takes any. An .onnx file is
      read for the shapes of its inputs. Of a model with several inputs each is
      named: --input NAME=FILE. Where the only output is of scores, the five most
      probable classes are told, by the names that the model has. Each output is
      written to DIR/NAME.npy; in NAME, characters other than letters, digits, ‘_’,
      ‘.’ and ‘-’ become ‘_’.

      Examples:
        convoy run runs/digits-1 --input seven.png --output scores
        convoy run zoo:resnet-18 --weights resnet18.safetensors --input cat.jpg \\
          --size 256 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --output out
      """)

  @Argument(help: ArgumentHelp("\(ModelSource.help)", valueName: "model"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "A file for an input; given once for each.", valueName: "[name=]file"))
  var input: [String]

  @Option(help: ArgumentHelp("Where the outputs go.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Parameters for a network of the zoo, by torchvision's names where that has it.",
      valueName: "file.safetensors"))
  var weights: String?

  @OptionGroup(title: "Pictures") var pictures: PictureArguments

  @OptionGroup(title: "Machine") var machine: ThreadArguments

  @Flag(help: "Print one JSON object an output.")
  var json = false

  func validate() throws {
    if input.isEmpty { throw ValidationError("Expected at least one --input.") }
  }

  func run() throws {
    let source = try ModelSource.load(model, weights: weights, options: machine.options)
    let names = try OutputNames(source.outputs)
    let inputs = try ModelInputs(source, pictures: pictures.options).read(input)
    if let notice = source.notice { Console.error(notice) }
    let notes = source.notes
    let results = try (consume source).run(inputs, options: machine.options)
    try RunFolder.makeFolder(output)
    for (name, file) in names.files {
      guard let tensor = results[name] else { continue }
      let path = "\(output)/\(file)"
      try NumPyArray(tensor).write(to: path)
      let guesses = names.files.count == 1 ? Run.guesses(tensor, notes) : []
      if json {
        try Console.json(
          Result(
            output: name, shape: tensor.shape.dimensions, file: path,
            top: guesses.isEmpty ? nil : guesses.map(\.ranked)))
        continue
      }
      Console.line("\(name)  \(tensor.shape)  \(path)")
      for (image, guess) in guesses.enumerated() {
        if guesses.count > 1 { Console.line("image \(image + 1)") }
        guess.print()
      }
    }
  }

  private struct Result: Encodable {
    var output: String
    var shape: [Int]
    var file: String
    /// The five classes with the highest scores, of each image.
    var top: [[Guesses.Guess]]?
  }

  /// The five most probable classes of the first images, where an output is of scores: of the only output, if it
  /// is a row of numbers an image and the classes have names, or there are as many as a classifier has.
  private static func guesses(_ tensor: Tensor, _ notes: ModelNotes) -> [Guesses] {
    guard let scores = tensor.scores,
      notes.classNames.map({ $0.count == scores[0].count }) ?? (scores[0].count >= 10)
    else { return [] }
    return scores.prefix(8).map { Guesses($0, notes, top: 5) }
  }
}

/// The files that a model's outputs go to.
struct OutputNames {
  /// Each output and its file, in the model's order.
  let files: [(name: String, file: String)]

  /// - Throws: `ConvoyError` when two outputs would share a file.
  init(_ names: [String]) throws(ConvoyError) {
    files = names.map { ($0, Self.fileName($0)) }
    var owners: [String: String] = [:]
    for (name, file) in files {
      if let other = owners.updateValue(name, forKey: file) {
        throw ConvoyError(
          .argument,
          "Each output needs a file of its own, but ‘\(other)’ and ‘\(name)’ would both be \(file)."
        )
      }
    }
  }

  /// The name with `_` for what has no place in a file's name.
  static func fileName(_ name: String) -> String {
    let kept = name.unicodeScalars.map { scalar -> Character in
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
      return isPlain || "_.-".unicodeScalars.contains(scalar) ? Character(scalar) : "_"
    }
    return String(kept) + ".npy"
  }
}
