public import ConvoyTensors

extension Network {
  /// The network with weights that were trained elsewhere, by the parameters' names. Weights of
  /// another type than the parameter, such as half precision, are converted.
  ///
  /// Files of PyTorch models often have two kinds of tensors that inference does not need: counters
  /// of batch normalisations, `….num_batches_tracked`, and the auxiliary heads of GoogLeNet,
  /// `aux1.…` and `aux2.…`. These, and nothing else, are ignored where the network has no such
  /// parameter.
  ///
  /// - Throws: `ConvoyError` naming a parameter that is missing or of another shape, or a name that
  ///   is not one of the network's.
  /// - Complexity: O(*n*) in the number of parameters.
  public func model(weights: [String: Tensor]) throws(ConvoyError) -> Model {
    let known = Dictionary(
      uniqueKeysWithValues: graph.parameters.map { (graph[$0].name, graph[$0].tensorType) })
    let missing = graph.parameters.map { graph[$0].name }.filter { weights[$0] == nil }
    if let first = missing.first {
      throw ConvoyError(
        .graph,
        "The weights should hold \(first) of shape \(known[first]?.shape ?? []), but have no such name"
          + (missing.count > 1
            ? "; \(missing.count) of the network's \(known.count) parameters are missing." : "."))
    }
    var used = weights.filter { known[$0.key] != nil || !Network.isIdleWeight($0.key) }
    for (name, tensor) in used {
      used[name] = tensor.converted(to: known[name]?.type ?? tensor.type)
    }
    return try Model(graph, parameters: used)
  }

  /// Whether a name is that of a tensor in published files which inference does not need.
  private static func isIdleWeight(_ name: String) -> Bool {
    name.hasSuffix(".num_batches_tracked") || name.hasPrefix("aux1.") || name.hasPrefix("aux2.")
  }
}
