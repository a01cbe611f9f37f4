public import ConvoyTensors

extension Network {
  /// The network with weights that were trained elsewhere, by the parameters' names.
  ///
  /// Files that PyTorch's users publish hold two sorts of numbers that no run needs; these, and nothing
  /// else, are left aside where the network has no such parameter: batch norm's counters,
  /// `….num_batches_tracked`, and the auxiliary heads of GoogLeNet, `aux1.…` and `aux2.…`.
  ///
  /// - Throws: `ConvoyError` naming a parameter that is missing or of another shape, or a name that is
  ///   not one of the network's.
  /// - Complexity: O(*n*) in the number of parameters.
  public func model(weights: [String: Tensor]) throws(ConvoyError) -> Model {
    let shapes = Dictionary(
      uniqueKeysWithValues: graph.parameters.map { (graph[$0].name, graph[$0].shape) })
    let missing = graph.parameters.map { graph[$0].name }.filter { weights[$0] == nil }
    if let first = missing.first {
      throw ConvoyError(
        .graph,
        "The weights should hold \(first) of shape \(shapes[first] ?? []), but have no such name"
          + (missing.count > 1
            ? "; \(missing.count) of the network's \(shapes.count) parameters are missing." : "."))
    }
    let used = weights.filter { shapes[$0.key] != nil || !Network.isIdleWeight($0.key) }
    return try Model(graph, parameters: used)
  }

  /// Whether a name belongs to what published files hold beyond what a run needs.
  private static func isIdleWeight(_ name: String) -> Bool {
    name.hasSuffix(".num_batches_tracked") || name.hasPrefix("aux1.") || name.hasPrefix("aux2.")
  }
}
