public import ConvoyTensors

/// A network in which convolutions were divided into more groups, and the costs before and after.
public struct Regrouping: Sendable {
  /// A convolution before and after.
  public struct Layer: Hashable, Sendable {
    /// The cost before; `groups` is the number of groups before.
    public let before: LayerCost
    /// The cost after; `groups` is the number of groups after.
    public let after: LayerCost
    /// Why the layer does not have the requested number of groups, as the end of a sentence: `its 3
    /// input channels do not divide into 4 groups`; nil if it has.
    public let refusal: String?

    /// The node's name.
    public var name: String { before.name }
    /// Whether its number of groups has changed.
    public var isChanged: Bool { before.groups != after.groups }
  }

  /// The requested number of groups.
  public let groups: Int
  /// The network, with unchanged names of layers and parameters.
  public let graph: Graph
  /// The convolutions that were chosen, in the graph's order.
  public let layers: [Layer]
}

extension Graph {
  /// The same network with its convolutions divided into groups: for its cost, or to be trained
  /// anew.
  ///
  /// A convolution is divided if the groups divide its input and its output channels and it has
  /// fewer groups so far. Its weights are then [O, I∕G, k…], 1∕G of those of one group. It keeps
  /// its name and those of its parameters. The number of groups is never reduced: depthwise
  /// convolutions stay unchanged. Fully-connected layers have no groups.
  ///
  /// - Parameters:
  ///   - groups: the number of groups, at least 1.
  ///   - isChosen: whether the convolution of a name is to be divided; all by default.
  /// - Throws: `ConvoyError` of kind `.argument` when the number is below 1.
  /// - Complexity: O(*n*²) in the number of nodes.
  public func regrouped(
    _ groups: Int, where isChosen: (String) -> Bool = { _ in true }
  ) throws(ConvoyError) -> Regrouping {
    guard groups >= 1 else {
      throw ConvoyError(.argument, "Expected at least 1 group, got \(groups).")
    }
    let chosen = nodes.filter { node in
      guard case .layer = node.operation.kind else { return false }
      return traits(of: node).groups != nil && isChosen(node.name)
    }
    var refusals: [String: String] = [:]
    var divided: [String: any LayerOperator] = [:]
    var shapes: [String: Shape] = [:]
    for node in chosen {
      guard case .layer(let layer) = node.operation.kind, layer.groups != groups else { continue }
      refusals[node.name] = refusal(of: node, layer, groups: groups)
      guard refusals[node.name] == nil, let weights = ownWeights(of: node) else { continue }
      // In both kinds of convolution, the weights' second extent is the number of a group's
      // channels.
      var extents = self[weights].shape.dimensions
      extents[1] = extents[1] * layer.groups / groups
      shapes[self[weights].name] = try Shape(validating: extents)
      divided[node.name] = layer.divided(into: groups)
    }
    let changed = try rewritten(parameterShapes: shapes) { node, inputs, builder in
      divided[node.name].map { builder.apply($0, to: inputs, name: node.name) }
    }
    let costs = Dictionary(changed.layerCosts().map { ($0.name, $0) }) { first, _ in first }
    let names = Set(chosen.map(\.name))
    let layers = layerCosts().filter { names.contains($0.name) }.map { before in
      Regrouping.Layer(
        before: before, after: costs[before.name] ?? before, refusal: refusals[before.name])
    }
    return Regrouping(groups: groups, graph: changed, layers: layers)
  }

  /// Why a convolution cannot have this many groups; nil if it can.
  private func refusal(
    of node: Node, _ layer: any LayerOperator, groups: Int
  ) -> String? {
    let inputs = self[node.inputs[0]].shape[1]
    let outputs = self[node.outputs[0]].shape[1]
    if layer.groups > groups {
      return layer.groups == inputs
        ? "it is depthwise: each of its \(inputs) input channels is a group"
        : "it has \(layer.groups) groups already"
    }
    for (what, channels) in [("input", inputs), ("output", outputs)] where channels % groups != 0 {
      return channels == 1
        ? "it has a single \(what) channel"
        : "its \(channels) \(what) channels do not divide into \(groups) groups"
    }
    return ownWeights(of: node) == nil ? "its weights are not parameters of this layer alone" : nil
  }
}
