public import ConvoyTensors

extension Graph {
  /// The same network for images of another size, or with another number of channels.
  ///
  /// Convolutions that read the image itself get weights for its channels; all other parameters
  /// keep their shapes. A network with a fully-connected layer on flattened maps accepts one size
  /// only.
  ///
  /// - Parameter image: the image's extents, channels first, without the batch.
  /// - Throws: `ConvoyError` of kind `.argument` when the network has several inputs or one that is
  ///   no image, or naming the first layer that does not fit.
  public func accepting(image: Shape) throws(ConvoyError) -> Graph {
    guard inputs.count == 1, self[inputs[0]].shape.rank == image.rank + 1 else {
      let shapes = inputs.map { self[$0].shape.description }.joined(separator: " and ")
      throw ConvoyError(
        .argument, "The network takes \(shapes), which can be no image of \(image).")
    }
    let input = self[inputs[0]]
    guard input.shape.dimensions.dropFirst() != image.dimensions[...] else { return self }
    do {
      return try rewritten(
        inputShapes: [input.name: Shape([input.shape[0]] + image.dimensions)],
        parameterShapes: weights(forImageChannels: image[0]))
    } catch {
      throw ConvoyError(.argument, "The network takes no image of \(image): \(error.message)")
    }
  }

  /// The shapes of the weights of convolutions that read the image, for other channels. A
  /// convolution whose groups do not divide them is refused later by its shape rule.
  private func weights(forImageChannels channels: Int) throws(ConvoyError) -> [String: Shape] {
    var shapes: [String: Shape] = [:]
    for node in nodes where node.inputs.first == inputs[0] {
      guard case .layer(let layer) = node.operation.kind, layer.weightRows == .outputs,
        let groups = traits(of: node).groups, let weights = ownWeights(of: node),
        channels % groups == 0
      else { continue }
      var extents = self[weights].shape.dimensions
      extents[1] = channels / groups
      shapes[self[weights].name] = try Shape(validating: extents)
    }
    return shapes
  }

  /// The weights of a layer: its second input, if that is a parameter without other readers.
  func ownWeights(of node: Node) -> ValueID? {
    guard node.inputs.count > 1, case .parameter = self[node.inputs[1]].origin else { return nil }
    let weights = node.inputs[1]
    let readers = nodes.reduce(0) { $0 + $1.inputs.count { $0 == weights } }
    let isElsewhere =
      outputs.contains { $0.value == weights }
      || updates.contains { $0.parameter == weights || $0.value == weights }
    return readers == 1 && !isElsewhere ? weights : nil
  }
}
