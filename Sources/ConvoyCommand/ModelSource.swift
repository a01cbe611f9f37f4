import Convoy

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A model to run, and what is known of the pictures it takes.
struct ModelSource {
  /// A network, or a file that becomes one for the shapes of its inputs.
  private enum Network {
    case known(Model)
    case imported(ONNXModel)
  }

  private let network: Network
  /// What the model's file says of its classes and pictures.
  var notes: ModelNotes
  /// A sentence that the user should read, if any.
  var notice: String?

  init(model: Model, notes: ModelNotes = ModelNotes(), notice: String? = nil) {
    network = .known(model)
    (self.notes, self.notice) = (notes, notice)
  }

  init(_ model: ONNXModel) {
    network = .imported(model)
    notes = ModelNotes(metadata: model.metadata)
  }

  /// How a model is asked for, for help.
  static let help = """
    A folder that `convoy train` wrote, a checkpoint, an .onnx file, or zoo:NAME?key=value (see \
    `convoy zoo`).
    """

  /// The model that a text names: the one place that knows what can stand there.
  ///
  /// - Parameters:
  ///   - weights: a `.safetensors` file with a zoo network's parameters, if given.
  ///   - options: how the plans of an .onnx file are compiled.
  /// - Throws: `ConvoyError` when there is no such model, or the weights are not its.
  static func load(
    _ text: String, weights: String? = nil, options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> ModelSource {
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
    if try isONNX(text) { return ModelSource(try ONNXModel(text, options: options)) }
    let checkpoint = try RunFolder.checkpoint(at: text)
    return ModelSource(
      model: checkpoint.model,
      notes: ModelNotes(
        classNames: checkpoint.classNames, normalization: checkpoint.normalization))
  }

  /// Whether a file is to be read as an ONNX model.
  ///
  /// - Throws: `ConvoyError` where it is neither that nor a training.
  private static func isONNX(_ path: String) throws(ConvoyError) -> Bool {
    var isFolder = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if isFolder { return false }
    switch try ContentKind(at: path) {
    case .onnx: return true
    case .safetensors: return false
    case nil where path.hasSuffix(".onnx"): return true
    case let kind:
      throw ConvoyError(
        .format,
        "‘\(path)’ should be a folder that `convoy train` wrote, a checkpoint or an ONNX model, but "
          + "\(kind.map { "seems to be \($0)" } ?? "begins with other bytes").")
    }
  }

  private static func load(zoo text: String, weights: String?) throws(ConvoyError) -> ModelSource {
    let network = try Zoo.network(text)
    if let weights { return ModelSource(model: try network.model(weightsAt: weights)) }
    let seed: UInt64 = 1
    return ModelSource(
      model: network.initialized(seed: seed),
      notice: "\(text) comes untrained: its parameters were drawn with seed \(seed); "
        + "--weights FILE.safetensors gives it others.")
  }
}

// MARK: - What it takes and makes

extension ModelSource {
  /// An input, before it is given.
  struct Input {
    var name: String
    var type: ElementType
    /// The extents; nil where any is taken. All nil where any number of them is.
    var extents: [Int?]?
  }

  /// The inputs, in the model's order.
  var inputs: [Input] {
    switch network {
    case .known(let model):
      model.graph.inputs.map { id in
        let info = model.graph[id]
        return Input(name: info.name, type: info.type, extents: info.shape.dimensions)
      }
    case .imported(let model):
      model.inputs.map { input in
        Input(
          name: input.name, type: input.type ?? .float32,
          extents: input.extents?.map { if case .fixed(let extent) = $0 { extent } else { nil } })
      }
    }
  }

  /// The names of the outputs, in the model's order.
  var outputs: [String] {
    switch network {
    case .known(let model): model.graph.outputs.map(\.name)
    case .imported(let model): model.outputs.map(\.name)
    }
  }

  /// Whether the network is known, and takes any batch.
  var takesAnyBatch: Bool { if case .known = network { true } else { false } }

  /// The network for inputs of some shapes.
  ///
  /// - Throws: `ConvoyError` when the model takes no such inputs, or needs to be told more.
  func model(_ given: GivenShapes = .none) throws(ConvoyError) -> Model {
    let shapes = try given.byName(inputs.map(\.name))
    switch network {
    case .imported(let model): return try model.model(shapes: shapes, batch: given.batch)
    case .known(let model):
      if shapes.isEmpty, given.batch == nil { return model }
      if let name = shapes.keys.sorted().first(where: { model.graph.value(named: $0) == nil }) {
        throw ConvoyError(
          .argument,
          "The model has no input ‘\(name)’ to give a shape to; its inputs are "
            + "\(inputs.map { "‘\($0.name)’" }.joined(separator: ", ")).")
      }
      var graph = model.graph
      if let batch = given.batch { graph = try graph.resized(batch: batch) }
      var resized: [String: Shape] = [:]
      for (name, extents) in shapes { resized[name] = try Shape(validating: extents) }
      graph = try graph.resized(resized)
      return Model(unchecked: graph, model.parameters)
    }
  }

  /// The model, ready to run for one image after another.
  ///
  /// - Throws: `ConvoyError` when the network cannot be compiled.
  func runner(
    options: CompileOptions
  ) throws(ConvoyError) -> @Sendable ([String: Tensor]) throws(ConvoyError) -> [String: Tensor] {
    switch network {
    case .imported(let model):
      return { (inputs) throws(ConvoyError) in try model.run(inputs) }
    case .known(let model):
      let plan = try model.compiled(batch: 1, options: options)
      return { (inputs) throws(ConvoyError) in try plan.run(named: inputs) }
    }
  }

  /// Runs the model once, for the shapes of its inputs.
  consuming func run(
    _ inputs: [String: Tensor], options: CompileOptions
  ) throws(ConvoyError) -> [String: Tensor] {
    switch network {
    case .imported(let model): return try model.run(inputs)
    case .known(let model):
      // Nothing else holds the model then, and its parameters can go as they are packed.
      _ = consume self
      return try (consume model).run(inputs, options: options)
    }
  }
}

extension Graph {
  /// The network that a text names, for inputs of some shapes. Numbers are not drawn for the parameters of
  /// networks of the zoo.
  ///
  /// - Parameter isOfOneImage: whether the batch that is given matters to a file only that becomes a network
  ///   for one batch.
  static func described(
    by text: String, _ shapes: GivenShapes, isOfOneImage: Bool = false
  ) throws(ConvoyError) -> Graph {
    let source =
      text.hasPrefix("zoo:")
      ? ModelSource(model: Model(unchecked: try Zoo.network(text).graph, [:]))
      : try ModelSource.load(text)
    var shapes = shapes
    if isOfOneImage, source.takesAnyBatch { shapes.batch = nil }
    return try source.model(shapes).graph
  }

  /// The images of a run: the first extent of the first input, if it has any.
  var batch: Int { inputs.first.flatMap { self[$0].shape.dimensions.first } ?? 1 }
}

extension Model {
  /// Compiles for the inputs' shapes and runs once.
  fileprivate consuming func run(
    _ inputs: [String: Tensor], options: CompileOptions
  ) throws(ConvoyError) -> [String: Tensor] {
    let simple = try simplified()
    _ = consume self
    let graph = try simple.graph.resized(inputs.mapValues(\.shape))
    let parameters = simple.parameters
    _ = consume simple
    return try graph.compiled(parameters: consume parameters, options: options)
      .run(named: inputs)
  }
}
