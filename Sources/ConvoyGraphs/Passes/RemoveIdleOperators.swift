package import ConvoyTensors

extension Model {
  /// Without the operators that give back what they get; nil if there are none.
  ///
  /// - Throws: what a shape rule says; not for a graph that is well formed.
  package func removingIdleOperators() throws(ConvoyError) -> Model? {
    func isIdle(_ node: Graph.Node) -> Bool { graph.traits(of: node).effect == .nothing }
    guard graph.nodes.contains(where: isIdle) else { return nil }
    let simpler = try graph.rewritten { node, inputs, _ in isIdle(node) ? [inputs[0]] : nil }
    return keepingParameters(in: simpler)
  }

  /// Another graph with this model's numbers, and with new ones for some parameters.
  func keepingParameters(in other: Graph, but changed: [String: Tensor] = [:]) -> Model {
    var kept: [String: Tensor] = [:]
    for name in other.parameters.map({ other[$0].name }) {
      kept[name] = changed[name] ?? parameters[name]
    }
    return Model(unchecked: other, kept)
  }
}
