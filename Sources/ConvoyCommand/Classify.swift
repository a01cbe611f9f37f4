import ArgumentParser
import Convoy

/// `convoy classify`
struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Says what pictures show.",
    discussion: """
      Pictures are PNG, JPEG, PGM or PPM. Each is brought to the network's size and colours.

      Example:
        convoy classify runs/digits-1 seven.png --top 3
      """)

  @Argument(
    help: ArgumentHelp(
      "A folder that `convoy train` wrote, or its checkpoint.safetensors.", valueName: "run"))
  var trained: String

  @Argument(help: ArgumentHelp("Pictures.", valueName: "image"))
  var images: [String]

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
    let classifier = try Classifier(
      try RunFolder.checkpoint(at: trained), options: machine.options)
    for path in images {
      let guesses = try classifier.classify(try Image(contentsOf: path), top: top)
      if json {
        try Console.json(
          Result(
            image: path,
            guesses: guesses.map { .init(name: $0.name, probability: $0.probability) }))
        continue
      }
      Console.line(path)
      for guess in guesses {
        let percent = guess.probability.percent
        let padding = String(repeating: " ", count: max(0, 8 - percent.count))
        Console.line("  \(padding)\(percent)  \(guess.name)")
      }
    }
  }

  private struct Result: Encodable {
    struct Guess: Encodable {
      var name: String
      var probability: Double
    }

    var image: String
    var guesses: [Guess]
  }
}
