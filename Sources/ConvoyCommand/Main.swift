import ArgumentParser
import Convoy

/// The `convoy` command.
struct ConvoyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convoy",
    abstract: "Describes, trains, evaluates and runs convolutional networks.",
    discussion: """
      Example:
        convoy train                          trains a network on bundled digits
        convoy evaluate runs/digits-1         examines what was trained
        convoy classify runs/digits-1 a.png   says what a picture shows
        convoy run zoo:resnet-18 --input x.npy --output out   runs any model
      """,
    version: "0.1.0",
    subcommands: [
      Train.self, Evaluate.self, Classify.self, Run.self, Export.self, ListZoo.self, ShowCost.self,
      Study.self, Draw.self, Bench.self, Explain.self,
    ])
}

@main
enum Main {
  static func main() {
    do {
      var command = try ConvoyCommand.parseAsRoot()
      try command.run()
    } catch let error as ConvoyError {
      Console.error(error.message)
      let isUsage = error.kind == .argument || error.kind == .attribute
      ConvoyCommand.exit(withError: ExitCode(isUsage ? 64 : 1))
    } catch {
      ConvoyCommand.exit(withError: error)
    }
  }
}
