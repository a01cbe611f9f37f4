public import ConvoyTensors

extension Graph {
  /// A network in training form whose batch norms use the mean and variance of all ranks' images, as if
  /// they were one batch.
  ///
  /// Each batch norm becomes a chain of operators between which the ranks' moments are added up, first
  /// means, then squares of the distances from the common mean; their gradients follow from the chain.
  ///
  /// - Parameter ranks: among how many ranks images are divided evenly.
  /// - Throws: what a shape rule says; not for a graph that is well formed.
  public func synchronizingNormalizations(ranks: Int) throws(ConvoyError) -> Graph {
    guard ranks > 1 else { return self }
    return try rewritten { node, inputs, builder in
      guard let operation = node.operation as? BatchNormalizationTraining else { return nil }
      return builder.scope(node.name) {
        synchronized(operation, inputs[0], scale: inputs[1], shift: inputs[2], ranks: ranks)
      }
    }
  }
}

/// The result, the mean, and the variance as the running one takes it.
private func synchronized(
  _ operation: BatchNormalizationTraining, _ image: Value, scale: Value, shift: Value, ranks: Int
) -> [Value] {
  let shape = image.shape
  let others = (0..<shape.rank).filter { $0 != 1 }
  let byChannel = shape.dimensions.indices.map { $0 == 1 ? shape[1] : 1 }
  func meanOfRanks(_ value: Value) -> Value {
    value.mean(over: others, keepsDimensions: true)
      .applying(AllReduce(.data, ranks: ranks)).scaled(by: 1 / Float(ranks))
  }
  let mean = meanOfRanks(image)
  let centered = image - mean
  let variance = meanOfRanks(centered.applying(.square))
  let deviation = variance.scaled(by: 1, offset: operation.epsilon).squareRoot()
  let factor = scale.reshaped(byChannel) / deviation
  var result = centered * factor + shift.reshaped(byChannel)
  if let activation = operation.activation { result = result.applying(activation) }
  // The running variance is the unbiased one, whose factor was computed for a rank's own images.
  let count = Double(shape.elementCount / shape[1])
  let all = count * Double(ranks)
  let unbiased = (all / (all - 1)) / (count > 1 ? count / (count - 1) : 1)
  return [
    result, mean.reshaped([shape[1]]),
    variance.reshaped([shape[1]]).scaled(by: Float(unbiased)),
  ]
}
