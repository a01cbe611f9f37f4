package import ConvoyTensors

extension Model {
  /// The model without operators whose output equals their input; nil if there are none.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  package func removingIdleOperators() throws(ConvoyError) -> Model? {
    func isIdle(_ node: Graph.Node) -> Bool { graph.traits(of: node).effect == .nothing }
    guard graph.nodes.contains(where: isIdle) else { return nil }
    let simpler = try graph.rewritten { node, inputs, _ in isIdle(node) ? [inputs[0]] : nil }
    return keepingParameters(in: simpler)
  }

  /// A model of another graph with this model's parameters, and with new values for some.
  func keepingParameters(in other: Graph, but changed: [String: Tensor] = [:]) -> Model {
    var kept: [String: Tensor] = [:]
    for name in other.parameters.map({ other[$0].name }) {
      kept[name] = changed[name] ?? parameters[name]
    }
    return Model(unchecked: other, kept)
  }
}
