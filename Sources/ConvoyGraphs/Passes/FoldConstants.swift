package import ConvoyTensors

extension Model {
  /// The model with everything that is computed from parameters and constants alone replaced by its
  /// value; nil where there is nothing to replace. Examples are the reshaped weights of a linear
  /// layer that is used as a convolution, and the scale and shift of a normalisation.
  ///
  /// A value that depends on a parameter becomes a parameter with the value's name, so that it
  /// belongs to the model.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
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

/// The values of a model's graph that depend on constant numbers alone.
private struct FoldedConstants {
  /// The values of these nodes' outputs.
  private(set) var numbers: [ValueID: Tensor] = [:]
  /// The declarations of values that depend on parameters; the others are constants.
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

  /// The outputs of a node with known inputs, if the reference can compute them within a budget.
  private static func output(of node: Graph.Node, _ inputs: [Tensor], in graph: Graph) -> Tensor? {
    let shape = graph[node.outputs[0]].shape
    switch graph.traits(of: node).effect {
    case .nothing, .reshapes: return try? inputs[0].reshaped(to: shape)
    case .moves, .computes, .finds: break
    }
    let count = inputs.reduce(shape.elementCount) { max($0, $1.shape.elementCount) }
    guard count <= 1 << 16 else { return nil }
    let results = node.operation.reference(
      inputs.map { ReferenceTensor($0) }, outputs: [shape])
    return try? Tensor(shape, results[0].elements.map { Float($0) })
  }
}
