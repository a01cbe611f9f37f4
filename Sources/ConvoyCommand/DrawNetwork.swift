import ArgumentParser
import Convoy

/// `convoy draw network`
struct DrawNetwork: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "network",
    abstract: "The architecture of a model: boxes, branches and merges.",
    discussion: """
      A box is an operator with what is folded into it, wider the more it costs; its
      role is its colour. Two to four groups are boxes side by side. Blocks that are
      alike and follow each other are drawn once, with their number; --expand draws
      all of them.

      With --parallel groups=2 the network is drawn as each of two ranks runs it that
      train it together: slices mark the boxes of which each computes a part; --batch
      is then the images of a step, by which it is decided what to divide, 64 by
      default.

      Examples:
        convoy draw network zoo:alexnet -o alexnet.svg
        convoy draw network zoo:googlenet --theme dark -o googlenet.html
        convoy draw network runs/digits-1 --title 'What I trained' -o mine.png
        convoy draw network 'zoo:alexnet?groups=2' --parallel groups=2 -o ranks.svg
      """)

  @Argument(help: ArgumentHelp("\(ModelSource.help)", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("What stands above; by default the model's name.", valueName: "text"))
  var title: String?

  @Flag(help: "Draw all blocks, also those that are alike.")
  var expand = false

  @Option(
    help: ArgumentHelp(
      "Draw what each rank computes: groups=NUMBER divides channels, data=NUMBER batches.",
      valueName: "ranks"))
  var parallel: String?

  @OptionGroup(title: "Inputs") var shapes: ShapeArguments

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    let graph = try Graph.described(by: model, parallel == nil ? shapes.given : .none)
    let name = model.hasPrefix("zoo:") ? String(model.dropFirst(4)) : model
    guard let parallel else {
      return try drawing.write(try .network(graph, title: title ?? name, isExpanded: expand))
    }
    let grid = try RankGrid(parsing: parallel)
    let images = shapes.batch ?? TrainingOptions().batch
    guard grid.groups > 1, images % grid.data == 0 else {
      throw ConvoyError(
        .argument,
        grid.groups > 1
          ? "A batch of \(images) images cannot be divided evenly over \(grid.data) ranks."
          : "Over \(grid) every rank runs the whole network; groups=NUMBER divides it.")
    }
    let partition: Partition
    do {
      partition = try graph.partitioned(groups: grid.groups, batch: images / grid.data)
    } catch {
      throw ConvoyError(.argument, error.message)
    }
    try drawing.write(
      try .network(
        partition, title: title ?? "\(name) over \(grid.groups) ranks", isExpanded: expand))
  }
}
