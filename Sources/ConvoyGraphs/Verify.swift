public import ConvoyTensors

extension Graph {
  /// Verifies that the graph is well formed: after building, and between passes.
  ///
  /// Every node reads only earlier values, its outputs have the shapes and types of its operator's
  /// rules, every value is computed once, updates fit their parameters, and names are unique.
  ///
  /// - Throws: `ConvoyError` of kind `.graph` naming the first node or value that is not well
  ///   formed.
  public func verify() throws(ConvoyError) {
    try verifyInputs()
    var isMade = values.map { $0.origin != .computed }
    for node in nodes {
      for input in node.inputs where !isMade[input.index] {
        throw ConvoyError(
          .graph, "\(node.name) reads \(self[input].name), which is made only after it.")
      }
      let (inputs, outputs) = types(of: node)
      let expected: [TensorType]
      do {
        expected = try node.operation.outputs(for: inputs)
      } catch {
        throw error.at(node.name)
      }
      guard expected == outputs else {
        throw ConvoyError(
          .graph, "\(node.name) makes shapes \(expected), but its values have \(outputs).")
      }
      for output in node.outputs {
        guard !isMade[output.index] else {
          throw ConvoyError(.graph, "\(self[output].name) is made twice.")
        }
        isMade[output.index] = true
      }
    }
    if let missing = isMade.firstIndex(of: false) {
      throw ConvoyError(.graph, "No node makes \(values[missing].name).")
    }
    for update in updates { try verify(update) }
    try verifyNames()
  }

  private func verifyInputs() throws(ConvoyError) {
    let given = values.indices.filter { values[$0].origin == .input }
    guard inputs.map(\.index).sorted() == given else {
      let names = (inputs.map { self[$0].name }, given.map { values[$0].name })
      throw ConvoyError(
        .graph, "The inputs are listed as \(names.0), but those that are given are \(names.1).")
    }
  }

  private func verify(_ update: Update) throws(ConvoyError) {
    let (parameter, value) = (self[update.parameter], self[update.value])
    guard case .parameter = parameter.origin else {
      throw ConvoyError(.graph, "\(parameter.name) is updated, but is no parameter.")
    }
    try verify(value, canReplace: parameter)
  }

  /// Checks that a new value has the shape and type of its parameter.
  func verify(_ value: ValueInfo, canReplace parameter: ValueInfo) throws(ConvoyError) {
    guard parameter.tensorType == value.tensorType else {
      throw ConvoyError(
        .shape,
        "The parameter \(parameter.name) has shape \(parameter.tensorType) and cannot become "
          + "\(value.name), of shape \(value.tensorType).")
    }
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
    seen = []
    for name in outputs.map(\.name) where !seen.insert(name).inserted {
      throw ConvoyError(.graph, "Two outputs are named \(name).")
    }
  }
}
