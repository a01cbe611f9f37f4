import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A trained classifier as it is saved, with all that is needed to use it, and to go on training it as if
/// it had never stopped.
///
/// The file is a `.safetensors`: parameters and the optimiser's memory are its tensors; the graph, the
/// class names and the state of the training are its metadata.
public struct Checkpoint: Sendable {
  /// The state of a training.
  public struct Training: Hashable, Sendable, Codable {
    /// Epochs, batch, optimiser and what else decides how it runs.
    public var options: TrainingOptions
    /// The data set, by the name that `DataSets.open` takes.
    public var data: String
    /// The epochs so far.
    public var history: [EpochRecord]
    /// What is needed to tell whether to end early.
    var best: Best?

    struct Best: Hashable, Sendable, Codable {
      var accuracy: Double
      var epoch: Int
    }
  }

  /// The network, as it is run, and its parameters.
  public var model: Model
  /// What the network was made from: `zoo:alexnet?groups=2`; nil for one written in Swift.
  public var specification: String?
  /// The classes, in the order of the scores.
  public var classNames: [String]
  /// How images become the network's input.
  public var normalization: Normalization
  /// The training it comes from.
  public var training: Training?
  /// The optimiser's memory and the step's number, by name.
  var memory: [String: Tensor]

  /// What the metadata holds besides the graph.
  private struct Header: Codable {
    var version: Int
    var specification: String?
    var classNames: [String]
    var normalization: Normalization
    var training: Training?
  }

  private static let headerKey = "convoy"
  private static let graphKey = "convoy.graph"

  /// Makes a checkpoint of a classifier that was trained by other means.
  public init(
    model: Model, specification: String? = nil, classNames: [String], normalization: Normalization
  ) {
    self.init(
      model: model, specification: specification, classNames: classNames,
      normalization: normalization, training: nil, memory: [:])
  }

  init(
    model: Model, specification: String?, classNames: [String], normalization: Normalization,
    training: Training?, memory: [String: Tensor]
  ) {
    self.model = model
    self.specification = specification
    self.classNames = classNames
    self.normalization = normalization
    self.training = training
    self.memory = memory
  }

  /// The shape of an image the network takes: channels × height × width.
  public var imageShape: Shape {
    Shape(model.graph[model.graph.inputs[0]].shape.dimensions.dropFirst())
  }

  // MARK: Files

  /// Writes the checkpoint under a temporary name, flushes it, and renames it: if writing is interrupted, the path
  /// still holds a whole checkpoint.
  ///
  /// - Throws: `ConvoyError` when the file cannot be written.
  public func write(to path: String) throws {
    let header = Header(
      version: 1, specification: specification, classNames: classNames,
      normalization: normalization, training: training)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var file = Safetensors(metadata: [
      "format": "convoy",
      Checkpoint.headerKey: String(decoding: try encoder.encode(header), as: UTF8.self),
      Checkpoint.graphKey: try model.graph.json(),
    ])
    for id in model.graph.parameters {
      let name = model.graph[id].name
      if let tensor = model.parameters[name] { try file.append(tensor, named: name) }
    }
    for (name, tensor) in memory.sorted(by: { $0.key < $1.key }) {
      try file.append(tensor, named: name)
    }
    try file.write(to: path)
  }

  /// Reads a checkpoint.
  ///
  /// - Throws: `ConvoyError` when the file cannot be read, is damaged, or is no checkpoint of Convoy's.
  public init(contentsOf path: String) throws {
    let file = try Safetensors(contentsOf: path)
    guard let headerText = file.metadata[Checkpoint.headerKey],
      let graphText = file.metadata[Checkpoint.graphKey]
    else {
      throw ConvoyError(
        .format,
        "The file \(path) holds tensors but no Convoy checkpoint: its metadata lacks "
          + "‘\(Checkpoint.headerKey)’ or ‘\(Checkpoint.graphKey)’.")
    }
    let header: Header
    do {
      header = try JSONDecoder().decode(Header.self, from: Data(headerText.utf8))
    } catch {
      throw ConvoyError(
        .format, "The checkpoint \(path) has a header that cannot be read as one of version 1.")
    }
    guard header.version == 1 else {
      throw ConvoyError(
        .format,
        "The checkpoint \(path) is of version \(header.version); this Convoy reads version 1.")
    }
    let graph = try Graph(json: graphText)
    let types = Dictionary(
      graph.parameters.map { (graph[$0].name, graph[$0].type) },
      uniquingKeysWith: { first, _ in first })
    var parameters: [String: Tensor] = [:]
    var memory: [String: Tensor] = [:]
    for entry in file.entries {
      if let type = types[entry.name] {
        parameters[entry.name] = entry.tensor.converted(to: type)
      } else {
        memory[entry.name] = entry.tensor
      }
    }
    self.init(
      model: try Model(graph, parameters: parameters), specification: header.specification,
      classNames: header.classNames, normalization: header.normalization,
      training: header.training, memory: memory)
    try check(path)
  }

  /// Checks that the parts fit each other, so that callers need not.
  private func check(_ path: String) throws(ConvoyError) {
    func refuse(_ what: String) -> ConvoyError {
      ConvoyError(.format, "The checkpoint \(path) \(what).")
    }
    guard model.graph.inputs.count == 1, model.graph.outputs.count == 1,
      model.graph[model.graph.inputs[0]].shape.rank == 4
    else { throw refuse("holds no classifier of images: one input batch×channels×height×width") }
    for id in [model.graph.inputs[0], model.graph.outputs[0].value] {
      let info = model.graph[id]
      guard info.type == .float32 else {
        throw refuse("has a network whose \(info.name) is \(info.type); float32 is expected")
      }
    }
    guard imageShape.elementCount <= 1 << 26 else {
      throw refuse("takes images of \(imageShape), more than 2²⁶ numbers")
    }
    let channels = imageShape[0]
    guard normalization.mean.count == channels, normalization.deviation.count == channels,
      normalization.deviation.allSatisfy({ $0 > 0 })
    else { throw refuse("needs a mean and a positive deviation for each of \(channels) channels") }
    let scores = model.graph[model.graph.outputs[0].value].shape
    guard scores.rank >= 2, scores[1] == classNames.count, scores.elementCount == scores[1] else {
      throw refuse("names \(classNames.count) classes, but its network's scores are \(scores)")
    }
    if let options = training?.options, options.epochs < 1 || options.batch < 1 {
      throw refuse("has a training of \(options.epochs) epochs in batches of \(options.batch)")
    }
  }
}
