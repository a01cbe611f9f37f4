import ConvoyTensors

extension GraphBuilder {
  /// Appends the backward half: nodes that compute the gradient of a value's sum with respect to
  /// others.
  ///
  /// Visits the nodes from the last to the first. The gradient of a value that is used several
  /// times is the sum of the contributions of its uses, in a fixed order.
  ///
  /// - Parameters:
  ///   - loss: the value that is differentiated, usually a scalar.
  ///   - values: the values with respect to which it is differentiated.
  /// - Returns: for each of `values`, its gradient, of its shape; zeros where `loss` does not
  ///   depend on it.
  public func gradients(of loss: Value, withRespectTo values: [Value]) -> [Value] {
    let wanted = Set(values.map(\.id))
    let forward = graph.nodes
    var matters = Array(repeating: false, count: graph.values.count)
    for id in wanted { matters[id.index] = true }
    for node in forward where node.inputs.contains(where: { matters[$0.index] }) {
      for output in node.outputs { matters[output.index] = true }
    }

    var gradients: [ValueID: Value] = [
      loss.id: constant(Tensor(loss.shape, repeating: 1), name: "one")
    ]
    func handle(_ id: ValueID) -> Value { Value(builder: self, id: id) }
    for node in forward.reversed() {
      let received = node.outputs.map { gradients[$0] }
      guard received.contains(where: { $0 != nil }),
        node.inputs.contains(where: { matters[$0.index] })
      else { continue }
      let site = GradientSite(
        inputs: node.inputs.map(handle), outputs: node.outputs.map(handle),
        outputGradients: received, isNeeded: node.inputs.map { matters[$0.index] })
      let sent = scope("\(node.name).gradient") { node.operation.gradients(at: site) }
      for (input, gradient) in zip(node.inputs, sent) where matters[input.index] {
        guard let gradient else { continue }
        if let earlier = gradients[input] {
          gradients[input] = earlier + gradient
        } else {
          gradients[input] = gradient
        }
      }
    }
    return values.map { value in
      gradients[value.id] ?? constant(Tensor(value.shape), name: "zero")
    }
  }
}
