import ArgumentParser
import Convoy

/// `convoy export`
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a model for other tools: ONNX, or its parameters as safetensors.",
    discussion: """
      The file's name says which: .onnx holds the network as it is run, opset 17, for
      any batch if its operators allow that; .safetensors holds the parameters alone, by
      their names in the network, which for networks of the zoo are torchvision's where
      that has them.

      Examples:
        convoy export runs/digits-1 digits.onnx
        convoy export zoo:resnet-18 resnet.onnx --weights resnet18.safetensors
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

  @OptionGroup(title: "Inputs") var shapes: ShapeArguments

  func run() throws {
    let isParameters = file.hasSuffix(".safetensors")
    guard isParameters || file.hasSuffix(".onnx") else {
      throw ConvoyError(
        .argument, "The file's name should end in .onnx or .safetensors, got ‘\(file)’.")
    }
    let source = try ModelSource.load(model, weights: weights)
    if let notice = source.notice { Console.error(notice) }
    let model = try source.model(shapes.given)
    if isParameters {
      let names = model.parameters.keys.sorted()
      let tensors = names.compactMap { name in
        model.parameters[name].map { (name: name, tensor: $0) }
      }
      try Safetensors(tensors).write(to: file)
    } else {
      try ONNXModel.write(model, to: file)
    }
  }
}
