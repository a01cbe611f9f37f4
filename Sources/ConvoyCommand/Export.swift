import ArgumentParser
import Convoy

/// `convoy export`
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a model for other tools: ONNX, or its parameters as safetensors.",
    discussion: """
      The file's name says which: .onnx holds the network as it is run, opset 17, for
      any batch if its operators allow that; .safetensors holds the parameters alone,
      by their names in the network, which for networks of the zoo are torchvision's
      where that has them.

      An .onnx file's metadata says what else is known: the classes' names, mean and
      deviation, the input's layout and Convoy's version; convoy run and convoy
      classify use them. --with-preprocessing writes mean and deviation as nodes
      instead: the input is then pixels, bytes from 0 to 255. --with-softmax makes
      probabilities of the scores.

      Examples:
        convoy export runs/digits-1 digits.onnx
        convoy export zoo:resnet-18 resnet.onnx --weights resnet18.safetensors
        convoy export runs/digits-1 digits.onnx --with-preprocessing --with-softmax
        convoy export runs/digits-1 digits.safetensors
      """)

  @Argument(help: ArgumentHelp("\(ModelSource.help)", valueName: "model"))
  var model: String

  @Argument(help: ArgumentHelp("What is written.", valueName: "file.onnx|file.safetensors"))
  var file: String

  @Option(
    help: ArgumentHelp(
      "Parameters for a network of the zoo, by torchvision's names where that has it.",
      valueName: "file.safetensors"))
  var weights: String?

  @Flag(help: "Let the network take pixels from 0 to 255, and normalise them itself.")
  var withPreprocessing = false

  @Flag(help: "Let the network give probabilities: append a softmax to its scores.")
  var withSoftmax = false

  @Option(
    help: ArgumentHelp(
      "What is taken off each channel, of values from 0 to 1; the model's own by default.",
      valueName: "numbers"))
  var mean: NumberList?

  @Option(
    help: ArgumentHelp(
      "What each channel is divided by; the model's own by default.", valueName: "numbers"))
  var std: NumberList?

  @OptionGroup(title: "Inputs") var shapes: ShapeArguments

  func validate() throws {
    if (mean == nil) != (std == nil) {
      throw ValidationError("Expected --mean and --std together, got one of them.")
    }
    if let std, std.numbers.contains(where: { $0 <= 0 }) {
      throw ValidationError("Expected numbers above 0 in --std, got \(std.text).")
    }
  }

  func run() throws {
    let isParameters = file.hasSuffix(".safetensors")
    guard isParameters || file.hasSuffix(".onnx") else {
      throw ConvoyError(
        .argument, "The file's name should end in .onnx or .safetensors, got ‘\(file)’.")
    }
    if isParameters, withPreprocessing || withSoftmax || mean != nil {
      throw ConvoyError(
        .argument,
        "A .safetensors file holds parameters alone; --with-preprocessing, --with-softmax, --mean and "
          + "--std are for .onnx files.")
    }
    let source = try ModelSource.load(model, weights: weights)
    let model = try source.model(shapes.given)
    if let notice = source.notice { Console.error(notice) }
    if isParameters {
      let names = model.parameters.keys.sorted()
      let tensors = names.compactMap { name in
        model.parameters[name].map { (name: name, tensor: $0) }
      }
      try Safetensors(tensors).write(to: file)
      let count = tensors.reduce(0) { $0 + $1.tensor.shape.elementCount }
      return Console.line("Wrote \(file): \(tensors.count) tensors, \(count.grouped) parameters.")
    }
    let (notes, additions) = try additions(source.notes)
    try ONNXModel.write(model, to: file, adding: additions)
    for line in summary(model, notes, additions) { Console.line(line) }
  }

  /// What is noted of the model, and what is written beside its network.
  private func additions(
    _ known: ModelNotes
  ) throws(ConvoyError) -> (notes: ModelNotes, additions: ONNXAdditions) {
    var notes = known
    if let mean, let std {
      notes.normalization = Normalization(mean: mean.numbers, deviation: std.numbers)
    }
    var additions = ONNXAdditions(hasSoftmax: withSoftmax)
    if withPreprocessing {
      guard let normalization = notes.normalization else {
        throw ConvoyError(
          .argument,
          "The mean and deviation of \(model) are not known; give them by --mean and --std (0 and 1 for "
            + "pixels from 0 to 1).")
      }
      additions.preprocessing = ONNXAdditions.Preprocessing(
        mean: normalization.mean, deviation: normalization.deviation)
      notes.normalization = nil
    }
    if withSoftmax { notes.areProbabilities = true }
    additions.metadata = try notes.metadata()
    return (notes, additions)
  }

  /// What was written, a line each.
  private func summary(
    _ model: Model, _ notes: ModelNotes, _ additions: ONNXAdditions
  ) -> [String] {
    func list(_ numbers: [Float]) -> String { numbers.map { "\($0)" }.joined(separator: ", ") }
    let graph = model.graph
    var lines = ["Wrote \(file): \(graph.cost.parameters.grouped) parameters."]
    for id in graph.inputs {
      let pixels = additions.preprocessing.map {
        "; pixels from 0 to 255, normalised by mean \(list($0.mean)) and deviation \(list($0.deviation))"
      }
      lines.append("  input   \(graph[id].name)  \(graph[id].shape)\(pixels ?? "")")
    }
    for output in graph.outputs {
      lines.append(
        "  output  \(output.name)  \(graph[output.value].shape)\(withSoftmax ? "; probabilities" : "")"
      )
    }
    if let names = notes.classNames {
      let shown = names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " …" : "")
      lines.append("  noted   \(names.count) classes: \(shown)")
    }
    if let normalization = notes.normalization {
      lines.append(
        "  noted   mean \(list(normalization.mean)), deviation \(list(normalization.deviation))")
    }
    lines.append("  noted   layout NCHW, Convoy \(ConvoyCommand.version)")
    return lines
  }
}
