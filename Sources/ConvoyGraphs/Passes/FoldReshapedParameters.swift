package import ConvoyTensors

extension Model {
  /// The model with parameters that are only read through a reshape in their reshaped form; nil if
  /// there are none.
  ///
  /// Weights of a 1×1 convolution that are declared as a matrix are then known when compiling.
  package func foldingReshapedParameters() throws(ConvoyError) -> Model? {
    let reads = ReadCounts(graph)
    var shapes: [String: Shape] = [:]
    var folded: Set<String> = []
    for node in graph.nodes where graph.traits(of: node).effect == .reshapes {
      let parameter = graph[node.inputs[0]]
      guard parameter.origin.isParameter, reads[node.inputs[0]] == 1,
        !reads.isUpdated(node.inputs[0])
      else { continue }
      shapes[parameter.name] = graph[node.outputs[0]].shape
      folded.insert(node.name)
    }
    guard !folded.isEmpty else { return nil }
    let simpler = try graph.rewritten(parameterShapes: shapes) { node, inputs, _ in
      folded.contains(node.name) ? inputs : nil
    }
    var changed: [String: Tensor] = [:]
    for (name, shape) in shapes { changed[name] = try parameters[name]?.reshaped(to: shape) }
    return keepingParameters(in: simpler, but: changed)
  }
}
