import ArgumentParser
import Convoy

/// `convoy draw filters`
struct DrawFilters: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "filters",
    abstract: "A layer's kernels as images, by group.",
    discussion: """
      The first convolution unless --layer names another. --groups sorts the filters
      by the groups of the layer behind, as in AlexNet's two towers.

      Examples:
        convoy draw filters --model runs/digits-1 --groups 2 -o filters.svg
        convoy draw filters --model zoo:resnet-18 --weights resnet18.safetensors \\
          -o conv1.png
      """)

  @OptionGroup(title: "Layer") var layer: LayerArguments

  @Option(help: ArgumentHelp("Groups; the layer's own by default.", valueName: "number"))
  var groups: Int?

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    let chosen = try layer.required(default: \.first)
    try drawing.write(
      try .filters(chosen.weights, groups: groups ?? chosen.groups, name: chosen.name))
  }
}

/// `convoy draw correlation`
struct DrawCorrelation: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "correlation",
    abstract: "How much a layer's filters resemble each other, within and between groups.",
    discussion: """
      The first convolution unless --layer names another. --groups sorts the filters
      by the groups of the layer behind.

      Examples:
        convoy draw correlation --model runs/digits-1 --groups 2 -o correlation.svg
        convoy draw correlation --model zoo:resnet-18 --layer layer1.0.conv1 -o c.html
      """)

  @OptionGroup(title: "Layer") var layer: LayerArguments

  @Option(help: ArgumentHelp("Groups; the layer's own by default.", valueName: "number"))
  var groups: Int?

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    let chosen = try layer.required(default: \.first)
    try drawing.write(
      try .filterCorrelation(chosen.weights, groups: groups ?? chosen.groups, name: chosen.name))
  }
}
