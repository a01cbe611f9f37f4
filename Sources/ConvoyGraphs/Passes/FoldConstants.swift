package import ConvoyTensors

extension Model {
  /// With what is computed from parameters and constants alone in their place; nil where there is nothing: the reshaped weights of
  /// a linear layer that is used as a convolution, the scale and shift of a normalisation.
  ///
  /// What comes from a parameter is a parameter, so that it is read from the model's numbers, under the
  /// name of the value it replaces.
  ///
  /// - Throws: what a shape rule says; not for a graph that is well formed.
  package func foldingConstants() throws(ConvoyError) -> Model? {
    let folded = FoldedConstants(self)
    guard !folded.numbers.isEmpty else { return nil }
    var changed: [String: Tensor] = [:]
    let simpler = try graph.rewritten { node, _, builder in
      guard node.outputs.count == 1, let tensor = folded.numbers[node.outputs[0]] else {
        return nil
      }
      let name = graph[node.outputs[0]].name
      guard let parameter = folded.parameters[node.outputs[0]] else {
        return [builder.constant(tensor, name: name)]
      }
      changed[name] = tensor
      return [builder.parameter(name, tensor.shape, parameter)]
    }
    return keepingParameters(in: simpler, but: changed)
  }
}

/// The values of a model's graph that are computed from fixed numbers alone.
private struct FoldedConstants {
  /// The numbers of what nodes compute.
  private(set) var numbers: [ValueID: Tensor] = [:]
  /// How those are declared that come from parameters; the rest are constants.
  private(set) var parameters: [ValueID: Parameter] = [:]

  init(_ model: Model) {
    let graph = model.graph
    let updated = Set(graph.updates.map(\.parameter))
    var given: [ValueID: Tensor] = [:]
    for id in graph.valueIDs where !updated.contains(id) {
      switch graph[id].origin {
      case .parameter(let parameter):
        given[id] = model.parameters[graph[id].name]
        parameters[id] = parameter
      case .constant(let tensor): given[id] = tensor
      case .input, .computed: break
      }
    }
    for node in graph.nodes where node.outputs.count == 1 && !node.inputs.isEmpty {
      let inputs = node.inputs.compactMap { numbers[$0] ?? given[$0] }
      let output = node.outputs[0]
      guard inputs.count == node.inputs.count, graph[output].type == .float32,
        inputs.allSatisfy({ $0.type == .float32 }),
        let tensor = FoldedConstants.output(of: node, inputs, in: graph)
      else { continue }
      numbers[output] = tensor
      if let origin = node.inputs.first(where: { parameters[$0] != nil }) {
        parameters[output] = parameters[origin]
      }
    }
  }

  /// What a node makes of known numbers, where it is not too much to compute by the reference.
  private static func output(of node: Graph.Node, _ inputs: [Tensor], in graph: Graph) -> Tensor? {
    let shape = graph[node.outputs[0]].shape
    switch graph.traits(of: node).effect {
    case .nothing, .reshapes: return try? inputs[0].reshaped(to: shape)
    case .moves, .computes: break
    }
    let count = inputs.reduce(shape.elementCount) { max($0, $1.shape.elementCount) }
    guard count <= 1 << 16 else { return nil }
    let results = node.operation.reference(
      inputs.map { ReferenceTensor($0) }, outputs: [shape])
    return try? Tensor(shape, results[0].elements.map { Float($0) })
  }
}
