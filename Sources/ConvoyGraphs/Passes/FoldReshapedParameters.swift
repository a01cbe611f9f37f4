package import ConvoyTensors

extension Model {
  /// With parameters that are only read through a reshape in the shape that comes out of it; nil if there
  /// are none.
  ///
  /// Weights that are declared as a matrix, for a 1×1 convolution, are then known when compiling.
  package func foldingReshapedParameters() throws(ConvoyError) -> Model? {
    let uses = UseCounts(graph)
    var shapes: [String: Shape] = [:]
    var folded: Set<String> = []
    for node in graph.nodes where graph.traits(of: node).effect == .reshapes {
      let parameter = graph[node.inputs[0]]
      guard parameter.origin.isParameter, uses[node.inputs[0]] == 1,
        !uses.isUpdated(node.inputs[0])
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
