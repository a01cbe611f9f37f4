import ConvoyTensors

extension Graph {
  /// Evaluates the graph by the operators' references.
  ///
  /// - Parameter given: the inputs and parameters, by value.
  /// - Returns: every value of the graph.
  /// - Precondition: `given` has every input and parameter, with its shape.
  public func evaluatedByReference(
    _ given: [ValueID: ReferenceTensor]
  ) -> [ValueID: ReferenceTensor] {
    var known = given
    for (index, info) in values.enumerated() {
      if case .constant(let tensor) = info.origin {
        known[ValueID(index)] = ReferenceTensor(tensor)
      }
    }
    for node in nodes {
      let inputs = node.inputs.map { id -> ReferenceTensor in
        guard let tensor = known[id], tensor.shape == self[id].shape else {
          preconditionFailure(
            "No tensor of shape \(self[id].shape) was given for \(self[id].name).")
        }
        return tensor
      }
      let results = node.operation.reference(inputs, outputs: shapes(of: node).outputs)
      for (output, result) in zip(node.outputs, results) {
        known[output] = result
        known[output]?.type = self[output].type
      }
    }
    return known
  }
}
