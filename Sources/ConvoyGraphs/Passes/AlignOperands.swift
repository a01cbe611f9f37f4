package import ConvoyTensors

extension Model {
  /// The model with the operands of sums and products in one form: the one that has the result's
  /// shape first, constants with as many dimensions as the result; nil where all are.
  ///
  /// A vector of channels [C, 1, 1] is then a pixel [1, C, 1, 1], which is added to images in planes
  /// in place.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  package func aligningOperands() throws(ConvoyError) -> Model? {
    let reads = ReadCounts(graph)
    var hasChanged = false
    let aligned = try graph.rewritten { node, inputs, builder in
      guard case .arithmetic(let function) = node.operation.kind else { return nil }
      let result = graph[node.outputs[0]].shape
      var operands = zip(node.inputs, inputs).map { id, value in
        fixedNumbers(id, reads) == nil ? value : value.ofRank(result.rank)
      }
      let (first, second) = (operands[0].shape, operands[1].shape)
      if function == .add || function == .multiply, first != result, second == result {
        operands.reverse()
      }
      guard zip(operands, inputs).contains(where: { $0.id != $1.id }) else { return nil }
      hasChanged = true
      return builder.apply(node.operation, to: operands, name: node.name)
    }
    return hasChanged ? keepingParameters(in: aligned) : nil
  }
}

extension Value {
  /// With extents of 1 at the front; unchanged if it is a single number.
  fileprivate func ofRank(_ rank: Int) -> Value {
    guard shape.rank < rank, shape.elementCount > 1 else { return self }
    let missing = Array(repeating: 1, count: rank - shape.rank)
    return reshaped(to: Shape(missing + shape.dimensions))
  }
}
