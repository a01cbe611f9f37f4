import ArgumentParser
import Convoy

/// `convoy draw matrix`
struct DrawMatrix: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matrix",
    abstract: "Which channels a convolution connects: a matrix, block-diagonal by groups.",
    discussion: """
      With random weights, or with those of a model's layer.

      Examples:
        convoy draw matrix --channels 32 --outputs 32 --groups 4 -o blocks.svg
        convoy draw matrix --model zoo:alexnet --layer features.4 -o conv2.svg
        convoy draw matrix --model runs/digits-1 --layer conv2 -o learned.svg
      """)

  @OptionGroup(title: "Layer") var layer: LayerArguments

  @Option(help: ArgumentHelp("Channels of the input, without a model.", valueName: "number"))
  var channels = 24

  @Option(help: ArgumentHelp("Channels of the output, without a model.", valueName: "number"))
  var outputs = 24

  @Option(help: ArgumentHelp("Groups of channels, without a model.", valueName: "number"))
  var groups = 3

  @Option(help: ArgumentHelp("What the weights are drawn from.", valueName: "number"))
  var seed: UInt64 = 1

  @OptionGroup(title: "Picture") var drawing: DrawingArguments

  func run() throws {
    if let chosen = try layer.chosen(default: nil) {
      return try drawing.write(
        try .channelMatrix(chosen.weights, groups: chosen.groups, name: chosen.name))
    }
    guard (1...4096).contains(channels), (1...4096).contains(outputs), groups >= 1,
      channels % groups == 0, outputs % groups == 0
    else {
      throw ConvoyError(
        .argument,
        "From 1 to 4096 channels are expected and groups that divide them, got \(channels), "
          + "\(outputs) and \(groups).")
    }
    var random = Random(seed: seed)
    let weights = Tensor(normal: [outputs, channels / groups, 3, 3], using: &random)
    try drawing.write(try .channelMatrix(weights, groups: groups))
  }
}

/// A convolution of a model, as an argument.
struct LayerArguments: ParsableArguments {
  @Option(help: ArgumentHelp(ModelSource.help.filter { $0 != "\n" }, valueName: "model"))
  var model: String?

  @Option(
    help: ArgumentHelp("A zoo network's parameters, .safetensors.", valueName: "file"))
  var weights: String?

  @Option(help: ArgumentHelp("The layer's name, as in the model.", valueName: "name"))
  var layer: String?

  @OptionGroup(title: "Inputs") var shapes: ShapeArguments

  struct Chosen {
    var name: String
    var weights: Tensor
    var groups: Int
  }

  /// The layer asked for, or nil where no model is given.
  ///
  /// - Parameter default: the layer without a name, of all convolutions; else one is expected.
  /// - Throws: `ConvoyError` when there is no such model or layer.
  func chosen(
    default: (([Chosen]) -> Chosen?)?
  ) throws(ConvoyError) -> Chosen? {
    guard let model else {
      if layer != nil || weights != nil {
        throw ConvoyError(.argument, "A layer is expected together with --model.")
      }
      return nil
    }
    let source = try ModelSource.load(model, weights: weights)
    if let notice = source.notice { Console.error(notice) }
    let layers = try source.model(shapes.given).convolutions
    if let layer {
      if let found = layers.first(where: { $0.name == layer }) { return found }
      throw ConvoyError(
        .argument, "The model has no convolution named ‘\(layer)’; it has \(list(layers)).")
    }
    if let found = `default`?(layers) { return found }
    throw ConvoyError(.argument, "A convolution is expected in --layer: \(list(layers)).")
  }

  /// The layer asked for.
  ///
  /// - Throws: `ConvoyError` when no model is given, or it has no such layer.
  func required(default: @escaping ([Chosen]) -> Chosen?) throws(ConvoyError) -> Chosen {
    guard let chosen = try chosen(default: `default`) else {
      throw ConvoyError(
        .argument, "A model is expected in --model: a training's folder or zoo:NAME.")
    }
    return chosen
  }

  private func list(_ layers: [Chosen]) -> String {
    let names = layers.prefix(12).map(\.name).joined(separator: ", ")
    if layers.isEmpty { return "none" }
    return layers.count > 12 ? "\(names) and \(layers.count - 12) more" : names
  }
}

extension Model {
  /// The convolutions whose weights are parameters, in the graph's order.
  var convolutions: [LayerArguments.Chosen] {
    graph.nodes.compactMap { node in
      guard case .layer(let layer) = node.operation.kind, layer.weightRows == .outputs,
        let groups = graph.traits(of: node).groups,
        let weights = parameters[graph[node.inputs[1]].name]
      else { return nil }
      return LayerArguments.Chosen(name: node.name, weights: weights, groups: groups)
    }
  }
}
