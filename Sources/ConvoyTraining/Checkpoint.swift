import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A trained classifier as a file, with everything that is needed to use it and to resume its
/// training.
///
/// The file is a `.safetensors`: parameters and the optimiser's state are tensors; the graph, the
/// class names and the state of the training are metadata.
public struct Checkpoint: Sendable {
  /// The state of a training.
  public struct Training: Hashable, Sendable, Codable {
    /// The options of the training.
    public var options: TrainingOptions
    /// The name of the data set for `DataSets.open`.
    public var data: String
    /// The records of all epochs so far.
    public var history: [EpochRecord]
    /// The best accuracy so far, for early stopping.
    var best: Best?

    struct Best: Hashable, Sendable, Codable {
      var accuracy: Double
      var epoch: Int
    }
  }

  /// The network for inference, and its parameters.
  public var model: Model
  /// The network's specification: `zoo:alexnet?groups=2`; nil for a network written in Swift.
  public var specification: String?
  /// The classes, in the order of the scores.
  public var classNames: [String]
  /// The normalisation of images.
  public var normalization: Normalization
  /// The training; nil if there was none.
  public var training: Training?
  /// The optimiser's state and the step's number, by name.
  var memory: [String: Tensor]

  /// The metadata other than the graph.
  private struct Header: Codable {
    var version: Int
    var specification: String?
    var classNames: [String]
    var normalization: Normalization
    var training: Training?
  }

  private static let headerKey = "convoy"
  private static let graphKey = "convoy.graph"

  /// A checkpoint of a classifier that was trained by other means.
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

  /// The shape of the network's images: channels × height × width.
  public var imageShape: Shape {
    Shape(model.graph[model.graph.inputs[0]].shape.dimensions.dropFirst())
  }

  // MARK: Files

  /// Writes to a temporary file, flushes it, and renames it: if writing is interrupted, the path
  /// still has a complete checkpoint.
  ///
  /// - Throws: `ConvoyError` when the file cannot be written.
  public func write(to path: String) throws(ConvoyError) {
    let header = Header(
      version: 1, specification: specification, classNames: classNames,
      normalization: normalization, training: training)
    var file = Safetensors(metadata: [
      "format": "convoy",
      Checkpoint.headerKey: try header.json(),
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
  /// - Throws: `ConvoyError` when the file cannot be read, is damaged, or is not a checkpoint.
  public init(contentsOf path: String) throws(ConvoyError) {
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

  /// Checks that the parts fit each other.
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
