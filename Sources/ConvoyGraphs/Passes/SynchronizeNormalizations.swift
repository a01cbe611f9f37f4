public import ConvoyTensors

extension Graph {
  /// A network in training form whose batch norms use the mean and variance of all ranks' images, as if
  /// they were one batch.
  ///
  /// - Parameter ranks: among how many ranks images are divided evenly.
  /// - Throws: what a shape rule says; not for a graph that is well formed.
  public func synchronizingNormalizations(ranks: Int) throws(ConvoyError) -> Graph {
    guard ranks > 1 else { return self }
    return try rewritten { node, inputs, builder in
      guard let operation = node.operation as? BatchNormalizationTraining else { return nil }
      let made = builder.apply(
        SynchronizedBatchNormalization(operation, ranks: ranks), to: inputs, name: node.name,
        outputCount: 3)
      guard made.count == 3 else { return made }
      // The running variance is the unbiased one, whose factor was computed for a rank's own images.
      let image = inputs[0].shape
      let count = Double(image.elementCount / image[1])
      let all = count * Double(ranks)
      let unbiased = (all / (all - 1)) / (count > 1 ? count / (count - 1) : 1)
      return [made[0], made[1], made[2].scaled(by: Float(unbiased))]
    }
  }
}
