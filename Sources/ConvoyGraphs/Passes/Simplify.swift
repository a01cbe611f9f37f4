public import ConvoyTensors

extension Model {
  /// The same network, made simpler for running: the result computes the same and can be saved.
  ///
  /// Operators that do nothing outside training go (dropout), and so do those that change nothing (a
  /// reshape to the shape there is); normalisations that were written out become one operator; batch norm,
  /// and arithmetic with a fixed number a channel, are folded into the convolution, transposed convolution or linear layer before them where nothing else reads
  /// that layer; arithmetic also into an unpadded convolution or linear layer after it. Parameters keep
  /// their names; one that is only read reshaped takes that shape, a layer that gets its bias from what is
  /// folded into it has it as `name.bias`, and what depends on parameters alone becomes one.
  ///
  /// - Throws: what a shape rule says; not for a graph that is well formed.
  public func simplified() throws(ConvoyError) -> Model {
    var model = try withoutIdleOperators()
    if let folded = try model.foldingReshapedParameters() { model = folded }
    model = try model.foldingConstants().recognizingStandardization()
    while let folded = try model.foldingChannelAffine() { model = folded }
    return model
  }

  /// Without the operators that give back what they get.
  private func withoutIdleOperators() throws(ConvoyError) -> Model {
    let simpler = try graph.rewritten { node, inputs, _ in
      graph.traits(of: node).effect == .nothing ? [inputs[0]] : nil
    }
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
