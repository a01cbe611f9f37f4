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
    let simpler = try graph.rewritten { node, inputs, builder in
      let running = builder.scope(node.name) {
        node.operation.inferenceForm(of: inputs, in: builder)
      }
      return running ?? (node.operation.isIdle(on: inputs.map(\.shape)) ? inputs : nil)
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

extension Operator {
  /// Whether the only output is always the only input.
  fileprivate func isIdle(on inputs: [Shape]) -> Bool {
    guard inputs.count == 1, let input = inputs.first else { return false }
    switch self {
    case let elementwise as Elementwise:
      return elementwise.function == .affine(scale: 1, offset: 0)
    case let reshape as Reshape: return reshape.isIdle(on: input)
    case let transpose as Transpose: return transpose.permutation == Array(0..<input.rank)
    case let pad as Pad: return (pad.before + pad.after).allSatisfy { $0 == 0 }
    case let shuffle as ChannelShuffle: return shuffle.groups == 1 || shuffle.groups == input[1]
    case is Concatenation: return true
    default: return false
    }
  }
}

extension Reshape {
  /// Whether the shape stays as it is, for this batch and, if it is accepted, for another.
  fileprivate func isIdle(on input: Shape) -> Bool {
    guard (try? outputShapes(for: [input])) == [input] else { return false }
    guard input.rank > 0,
      let other = try? Shape(validating: [input[0] + 1] + input.dimensions.dropFirst()),
      let output = try? outputShapes(for: [other])
    else { return true }
    return output == [other]
  }
}
