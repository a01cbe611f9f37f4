import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A model to run, and what is known of the pictures it takes.
struct ModelSource {
  let model: Model
  /// How pictures become numbers, if the model's file says so.
  var normalization: Normalization?
  /// A sentence that the user should read, if any.
  var notice: String?

  /// How a model is asked for, for help.
  static let help = """
    A folder that `convoy train` wrote, a checkpoint, an .onnx file, or zoo:NAME?key=value (see \
    `convoy zoo`).
    """

  /// The model that a text names: the one place that knows what can stand there.
  ///
  /// - Parameter weights: a `.safetensors` file with a zoo network's parameters, if given.
  /// - Throws: `ConvoyError` when there is no such model, or the weights are not its.
  static func load(_ text: String, weights: String? = nil) throws -> ModelSource {
    if text.hasPrefix("zoo:") { return try load(zoo: text, weights: weights) }
    if let weights {
      throw ConvoyError(
        .argument,
        "The weights \(weights) can be put into a network of the zoo only, such as zoo:resnet-18; "
          + "\(text) has its own.")
    }
    guard FileManager.default.fileExists(atPath: text) else {
      let isName = Zoo.entries.contains { text == $0.name || text.hasPrefix($0.name + "?") }
      throw ConvoyError(
        isName ? .argument : .file,
        "There is no model at \(text); expected a folder that `convoy train` wrote, a checkpoint, an "
          + ".onnx file, or "
          + (isName ? "zoo:\(text), which is in the zoo." : "zoo:NAME (see `convoy zoo`)."))
    }
    if text.hasSuffix(".onnx") { return ModelSource(model: try ONNXModel.read(text)) }
    let checkpoint = try RunFolder.checkpoint(at: text)
    return ModelSource(model: checkpoint.model, normalization: checkpoint.normalization)
  }

  private static func load(zoo text: String, weights: String?) throws -> ModelSource {
    let network = try Zoo.network(text)
    if let weights { return ModelSource(model: try network.model(weightsAt: weights)) }
    let seed: UInt64 = 1
    return ModelSource(
      model: network.initialized(seed: seed),
      notice: "\(text) comes untrained: its parameters were drawn with seed \(seed); "
        + "--weights FILE.safetensors gives it others.")
  }
}
