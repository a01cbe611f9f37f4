import ArgumentParser
import Convoy

/// `convoy draw network`
struct DrawNetwork: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network",
    abstract: "The architecture of a model: boxes, branches and merges.",
    discussion: """
      A box is an operator with what is folded into it, wider the more it costs; its role is
      its colour. Two to four groups are boxes side by side. Blocks that are alike and follow
      each other are drawn once, with their number; --expand draws all of them.

      Examples:
        convoy draw network zoo:alexnet -o alexnet.svg
        convoy draw network zoo:googlenet --theme dark -o googlenet.html
        convoy draw network runs/digits-1 --title 'What I trained' -o mine.png
      """)

  @Argument(help: ArgumentHelp("A folder of a training, a checkpoint, or zoo:NAME."))
  var model: String

  @Option(help: ArgumentHelp("What stands above; by default the model's name.", valueName: "text"))
  var title: String?

  @Flag(help: "Draw all blocks, also those that are alike.")
  var expand = false

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    let graph =
      model.hasPrefix("zoo:")
      ? try Zoo.network(model).graph : try ModelSource.load(model).model.graph
    let name = model.hasPrefix("zoo:") ? String(model.dropFirst(4)) : model
    try drawing.write(try .network(graph, title: title ?? name, isExpanded: expand))
  }
}
