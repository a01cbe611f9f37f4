package import ConvoyTensors

extension Model {
  /// The model with functions of one number moved to the layer before the reshapes and
  /// transpositions between them; nil if there are none. The layer's kernels apply them.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  package func movingFunctions() throws(ConvoyError) -> Model? {
    let reads = ReadCounts(graph)
    var makers: [ValueID: Graph.Node] = [:]
    for node in graph.nodes where node.outputs.count == 1 { makers[node.outputs[0]] = node }
    /// The only maker of a value that nothing else reads.
    func maker(_ value: ValueID) -> Graph.Node? { reads[value] == 1 ? makers[value] : nil }
    var functions: [String: Graph.Node] = [:]
    var moved: Set<String> = []
    for node in graph.nodes {
      guard case .function = node.operation.kind, let first = maker(node.inputs[0]) else {
        continue
      }
      var source: Graph.Node? = first
      while let mover = source, graph.onlyReorders(mover) { source = maker(mover.inputs[0]) }
      guard let layer = source, layer.name != first.name, case .layer = layer.operation.kind,
        functions[layer.name] == nil
      else { continue }
      functions[layer.name] = node
      moved.insert(node.name)
    }
    guard !moved.isEmpty else { return nil }
    let simpler = try graph.rewritten { node, inputs, builder in
      if moved.contains(node.name) { return inputs }
      guard let function = functions[node.name] else { return nil }
      let made = builder.apply(node.operation, to: inputs, name: node.name)
      return builder.apply(function.operation, to: made, name: function.name)
    }
    return keepingParameters(in: simpler)
  }
}

extension Graph {
  /// Whether a node's output has all numbers of its input, each once, and nothing else.
  fileprivate func onlyReorders(_ node: Node) -> Bool {
    node.inputs.count == 1
      && (node.operation is Transpose || traits(of: node).effect == .reshapes)
  }
}
