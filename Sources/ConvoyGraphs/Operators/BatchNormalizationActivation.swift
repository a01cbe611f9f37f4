public import ConvoyTensors

extension Graph {
  /// A training graph, before differentiation, in which batch normalisations apply the activations
  /// that follow them: see `BatchNormalizationTraining.activation`.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  public func fusingNormalizationsWithActivations() throws(ConvoyError) -> Graph {
    let reads = ReadCounts(self)
    var normalized: Set<ValueID> = []
    for node in nodes {
      guard let normalization = node.operation as? BatchNormalizationTraining,
        normalization.activation == nil, reads[node.outputs[0]] == 1
      else { continue }
      normalized.insert(node.outputs[0])
    }
    var activations: [ValueID: ScalarFunction] = [:]
    for node in nodes {
      guard case .function(let function) = node.operation.kind, normalized.contains(node.inputs[0])
      else { continue }
      activations[node.inputs[0]] = function
    }
    guard !activations.isEmpty else { return self }
    return try rewritten { node, inputs, builder in
      if case .function = node.operation.kind, activations[node.inputs[0]] != nil { return inputs }
      guard var normalization = node.operation as? BatchNormalizationTraining,
        let activation = activations[node.outputs[0]]
      else { return nil }
      normalization.activation = activation
      return builder.apply(normalization, to: inputs, name: node.name, outputCount: 3)
    }
  }
}
