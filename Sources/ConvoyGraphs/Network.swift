public import ConvoyTensors

/// A network's description: a graph whose parameters have no values yet.
///
/// ```swift
/// let network = try Network(input: [3, 32, 32]) { image in
///   image
///     .convolution(96, kernel: 5, padding: 2).relu().maxPooling(3, stride: 2)
///     .convolution(128, kernel: 3, padding: 1, groups: 2).relu()
///     .convolution(10, kernel: 1).globalAveragePooling()
/// }
/// ```
public struct Network: Sendable {
  /// The network's graph, for a batch of one.
  public let graph: Graph

  /// A network with a given graph.
  public init(_ graph: Graph) { self.graph = graph }

  /// A network from one image to one result.
  ///
  /// - Parameters:
  ///   - input: the image's shape, channels first, without the batch.
  ///   - layers: applies layers to the image; branches are plain Swift.
  /// - Throws: `ConvoyError` naming the first layer that does not fit, with what it expected and
  ///   got.
  public init(
    input: Shape, _ layers: (Value) throws(ConvoyError) -> Value
  ) throws(ConvoyError) {
    let builder = GraphBuilder()
    let image = builder.input("image", Shape([1] + input.dimensions))
    builder.output("scores", try layers(image))
    graph = try builder.finish()
  }

  /// A model with initial parameters.
  ///
  /// Each parameter has its own stream of random numbers: adding a layer does not change the
  /// others.
  public func initialized(seed: UInt64) -> Model {
    var parameters: [String: Tensor] = [:]
    for (index, id) in graph.parameters.enumerated() {
      guard case .parameter(let parameter) = graph[id].origin else { continue }
      var random = Random(seed: seed, stream: UInt64(index))
      parameters[graph[id].name] = parameter.initializer.tensor(graph[id].shape, using: &random)
        .converted(to: graph[id].type)
    }
    return Model(unchecked: graph, parameters)
  }
}

/// A graph and the values of its parameters: what is trained, saved and run.
public struct Model: Sendable {
  /// The graph.
  public let graph: Graph
  /// The parameters' values, by name.
  public let parameters: [String: Tensor]

  /// A model of a graph and parameters.
  ///
  /// - Throws: `ConvoyError` naming a parameter that is missing, unknown, or of another shape or
  ///   type.
  public init(_ graph: Graph, parameters: [String: Tensor]) throws(ConvoyError) {
    try Model.check(parameters, of: graph)
    self.init(unchecked: graph, parameters)
  }

  /// Checks that there is a tensor of the right shape and type for each of a graph's parameters,
  /// and no other.
  ///
  /// - Throws: `ConvoyError` naming a parameter that is missing, unknown, or of another shape or
  ///   type.
  public static func check(_ parameters: [String: Tensor], of graph: Graph) throws(ConvoyError) {
    var unused = Set(parameters.keys)
    for id in graph.parameters {
      let info = graph[id]
      guard let tensor = parameters[info.name] else {
        throw ConvoyError(
          .graph,
          "The network needs a parameter \(info.name) of shape \(info.shape); none was given.")
      }
      guard tensor.shape == info.shape else {
        throw ConvoyError(
          .shape,
          "The parameter \(info.name) has shape \(info.shape), but the numbers given for it have "
            + "\(tensor.shape).")
      }
      guard tensor.type == info.type else {
        throw ConvoyError(
          .type,
          "The parameter \(info.name) is of type \(info.type), but the numbers given for it are "
            + "\(tensor.type).")
      }
      unused.remove(info.name)
    }
    if let extra = unused.sorted().first {
      throw ConvoyError(
        .graph, "The network has no parameter \(extra), but numbers were given for it.")
    }
  }

  package init(unchecked graph: Graph, _ parameters: [String: Tensor]) {
    self.graph = graph
    self.parameters = parameters
  }
}
