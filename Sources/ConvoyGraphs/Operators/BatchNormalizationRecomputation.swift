public import ConvoyTensors

extension Graph {
  /// A training step whose backward half recomputes the results of batch normalisations, with their
  /// activations, from their images.
  ///
  /// These images are kept in any case, for the gradients of the batch normalisations: one tensor
  /// for each layer is kept instead of two. The results are bit-identical: the same formula on the
  /// same statistics.
  ///
  /// - Parameter forward: the indices of the nodes of forward halves.
  /// - Throws: errors of shape rules; none for a well-formed graph.
  public func recomputingNormalizations(
    ofForward forward: [Range<Int>]
  ) throws(ConvoyError) -> Graph {
    /// A batch normalisation of the forward half: its image, and its results.
    struct Kept {
      var operation: BatchNormalizationTraining
      var name: String
      var image: Value
      var vectors: [Value]
    }
    var kept: [ValueID: Kept] = [:]
    var recomputed: [ValueID: Value] = [:]
    var position = 0
    return try rewritten { node, inputs, builder in
      defer { position += 1 }
      if forward.contains(where: { $0.contains(position) }) {
        let own = node.operation as? BatchNormalizationTraining
        let common = (node.operation as? SynchronizedBatchNormalization)?.normalization
        guard let operation = own ?? common else { return nil }
        let made = builder.apply(node.operation, to: inputs, name: node.name, outputCount: 3)
        guard made.count == 3 else { return made }
        kept[node.outputs[0]] = Kept(
          operation: operation, name: node.name, image: inputs[0],
          vectors: [inputs[1], inputs[2], made[1], made[2]])
        return made
      }
      guard node.inputs.contains(where: { kept[$0] != nil }) else { return nil }
      let replaced = zip(node.inputs, inputs).map { id, value in
        guard let original = kept[id] else { return value }
        if let again = recomputed[id] { return again }
        let normalization = BatchNormalization(epsilon: original.operation.epsilon, momentum: 0)
        var again = builder.scope(original.name) {
          builder.apply(normalization, to: [original.image] + original.vectors, name: "again")[0]
        }
        if let activation = original.operation.activation { again = again.applying(activation) }
        recomputed[id] = again
        return again
      }
      return builder.apply(
        node.operation, to: replaced, name: node.name, outputCount: node.outputs.count)
    }
  }
}
