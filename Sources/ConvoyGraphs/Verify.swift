public import ConvoyTensors

extension Graph {
  /// Checks that the graph is well formed: run after building and between passes.
  ///
  /// Every node reads values that stand before it, its outputs have the shapes its operator's rule
  /// gives, every value is made once, and names are unique.
  ///
  /// - Throws: `ConvoyError` of kind `.graph` naming the first node or value that is not.
  public func verify() throws(ConvoyError) {
    var isMade = values.map { $0.origin != .computed }
    for node in nodes {
      for input in node.inputs where !isMade[input.index] {
        throw ConvoyError(
          .graph, "\(node.name) reads \(self[input].name), which is made only after it.")
      }
      let (inputShapes, outputShapes) = shapes(of: node)
      let expected: [Shape]
      do {
        expected = try node.operation.outputShapes(for: inputShapes)
      } catch {
        throw ConvoyError(error.kind, "\(node.name): \(error.message).")
      }
      guard expected == outputShapes else {
        throw ConvoyError(
          .graph, "\(node.name) makes shapes \(expected), but its values have \(outputShapes).")
      }
      for output in node.outputs {
        guard !isMade[output.index] else {
          throw ConvoyError(.graph, "\(self[output].name) is made twice.")
        }
        isMade[output.index] = true
      }
    }
    for (name, value) in outputs where !isMade[value.index] {
      throw ConvoyError(.graph, "No node makes the output \(name).")
    }
    try verifyNames()
  }

  private func verifyNames() throws(ConvoyError) {
    var seen = Set<String>()
    for name in values.map(\.name) where !seen.insert(name).inserted {
      throw ConvoyError(.graph, "Two values are named \(name).")
    }
    seen = []
    for name in nodes.map(\.name) where !seen.insert(name).inserted {
      throw ConvoyError(.graph, "Two nodes are named \(name).")
    }
  }
}
