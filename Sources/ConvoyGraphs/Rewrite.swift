public import ConvoyTensors

extension GraphBuilder {
  /// Appends the nodes of another graph, with the names of scopes as a prefix. Its parameters keep
  /// their names; they are the builder's parameters if that has parameters of the same names.
  ///
  /// - Parameters:
  ///   - inputs: the values that replace its inputs, in their order.
  ///   - replacing: values that replace parameters, by name: their new values after earlier
  ///     updates.
  /// - Returns: the values of its outputs, in their order, of its parameters, and of its updates,
  ///   which are not declared.
  public func append(
    _ other: Graph, inputs: [Value], replacing: [String: Value] = [:]
  ) -> (outputs: [Value], parameters: [Value], updates: [(parameter: Value, value: Value)]) {
    precondition(inputs.count == other.inputs.count, "Each input takes a value.")
    var new: [ValueID: Value] = [:]
    var parameters: [ValueID: Value] = [:]
    for (id, value) in zip(other.inputs, inputs) { new[id] = value }
    for id in other.valueIDs {
      let info = other[id]
      switch info.origin {
      case .parameter(let origin):
        let own = parameter(info.name, info.shape, type: info.type, origin, unscoped: true)
        parameters[id] = own
        new[id] = replacing[info.name] ?? own
      case .constant(let tensor): new[id] = constant(tensor, name: info.name)
      case .input, .computed: break
      }
    }
    for node in other.nodes {
      let made = apply(
        node.operation, to: node.inputs.compactMap { new[$0] }, name: node.name,
        outputCount: node.outputs.count)
      for (output, value) in zip(node.outputs, made) { new[output] = value }
    }
    return (
      other.outputs.compactMap { new[$0.value] }, other.parameters.compactMap { parameters[$0] },
      other.updates.compactMap { update in
        guard let parameter = parameters[update.parameter], let value = new[update.value] else {
          return nil
        }
        return (parameter, value)
      }
    )
  }
}

extension Graph {
  /// Builds the graph anew, node by node: the only way in which passes change graphs.
  ///
  /// - Parameters:
  ///   - inputShapes: new shapes for some inputs; all later shapes follow from these.
  ///   - parameterShapes: new shapes for some parameters.
  ///   - transform: for each node, the values that replace its outputs, or nil to keep the node. It
  ///     gets the node, the values that replace its inputs, and the builder.
  /// - Returns: the new graph, without nodes and parameters that nothing depends on.
  /// - Throws: errors of shape rules for the new shapes.
  public func rewritten(
    inputShapes: [String: Shape] = [:], parameterShapes: [String: Shape] = [:],
    by transform: (Node, [Value], GraphBuilder) -> [Value]? = { _, _, _ in nil }
  ) throws(ConvoyError) -> Graph {
    for name in inputShapes.keys where !inputs.contains(where: { self[$0].name == name }) {
      let known = inputs.map { self[$0].name }.joined(separator: ", ")
      throw ConvoyError(.graph, "The graph has no input \(name); its inputs are \(known).")
    }
    let builder = GraphBuilder()
    var new: [ValueID: Value] = [:]
    for (index, info) in values.enumerated() {
      let id = ValueID(index)
      switch info.origin {
      case .input:
        new[id] = builder.input(
          info.name, inputShapes[info.name] ?? info.shape, type: info.type)
      case .parameter(let parameter):
        new[id] = builder.parameter(
          info.name, parameterShapes[info.name] ?? info.shape, type: info.type, parameter)
      case .constant(let tensor): new[id] = builder.constant(tensor, name: info.name)
      case .computed: break
      }
    }
    for node in nodes {
      let inputs = node.inputs.compactMap { new[$0] }
      let made =
        transform(node, inputs, builder)
        ?? builder.apply(
          node.operation, to: inputs, name: node.name, outputCount: node.outputs.count)
      for (output, value) in zip(node.outputs, made) { new[output] = value }
    }
    for (name, id) in outputs { if let value = new[id] { builder.output(name, value) } }
    for update in updates {
      if let parameter = new[update.parameter], let value = new[update.value] {
        builder.update(parameter, to: value)
      }
    }
    return try builder.finish().pruned()
  }

  /// The same graph for other input shapes, such as another batch or larger images.
  ///
  /// - Throws: `ConvoyError` when an operator does not accept the new shapes.
  public func resized(_ inputShapes: [String: Shape]) throws(ConvoyError) -> Graph {
    try rewritten(inputShapes: inputShapes)
  }

  /// The same graph for another number of images: the first extent of every input.
  ///
  /// - Throws: `ConvoyError` when the batch is below 1, or fixed by an operator such as a reshape.
  public func resized(batch: Int) throws(ConvoyError) -> Graph {
    var shapes: [String: Shape] = [:]
    for id in inputs where self[id].shape.rank > 0 {
      shapes[self[id].name] = try Shape(validating: [batch] + self[id].shape.dimensions.dropFirst())
    }
    return try resized(shapes)
  }

  /// The graph with the training forms of operators that behave differently in training (dropout,
  /// batch normalisation).
  public func inTrainingForm() throws(ConvoyError) -> Graph {
    try rewritten { node, inputs, builder in
      builder.scope(node.name) { node.operation.trainingForm(of: inputs, in: builder) }
    }
  }

  /// The graph without outputs: the beginning of a step with other outputs.
  public func withoutOutputs() -> Graph {
    var copy = self
    copy.outputs = []
    return copy
  }

  /// The graph without nodes, constants and parameters that no output and no update depends on;
  /// inputs stay.
  func pruned() -> Graph {
    var isNeeded = Array(repeating: false, count: values.count)
    for input in inputs { isNeeded[input.index] = true }
    for output in outputs { isNeeded[output.value.index] = true }
    for update in updates {
      isNeeded[update.value.index] = true
      isNeeded[update.parameter.index] = true
    }
    var keptNodes: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: { isNeeded[$0.index] }) {
      keptNodes.append(node)
      for id in node.inputs + node.outputs { isNeeded[id.index] = true }
    }
    var position = Array(repeating: ValueID(-1), count: values.count)
    var result = Graph()
    for (index, info) in values.enumerated() where isNeeded[index] {
      position[index] = ValueID(result.values.count)
      result.values.append(info)
    }
    func moved(_ id: ValueID) -> ValueID { position[id.index] }
    result.nodes = keptNodes.reversed().map {
      Node(
        name: $0.name, operation: $0.operation, inputs: $0.inputs.map(moved),
        outputs: $0.outputs.map(moved))
    }
    result.inputs = inputs.map(moved)
    result.outputs = outputs.map { ($0.name, moved($0.value)) }
    result.updates = updates.map {
      Update(parameter: moved($0.parameter), value: moved($0.value))
    }
    return result
  }
}
