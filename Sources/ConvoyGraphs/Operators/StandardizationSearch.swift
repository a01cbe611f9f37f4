package import ConvoyTensors

extension Model {
  /// The model with one operator for each normalisation that is written as arithmetic, (x − mean x)
  /// ∕ √(mean (x − mean x)² + ε); nil if there are none. Exporters decompose layer normalisation
  /// for formats without such an operator.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  package func recognizingStandardization() throws(ConvoyError) -> Model? {
    let search = StandardizationSearch(graph)
    var found: [String: Standardization] = [:]
    var images: [String: ValueID] = [:]
    for node in graph.nodes {
      guard let (operation, image) = search.standardization(endingIn: node) else { continue }
      found[node.name] = operation
      images[node.name] = image
    }
    guard !found.isEmpty else { return nil }
    var new: [ValueID: Value] = [:]
    let simpler = try graph.rewritten { node, inputs, builder in
      for (id, value) in zip(node.inputs, inputs) { new[id] = value }
      guard let operation = found[node.name], let image = images[node.name].flatMap({ new[$0] })
      else { return nil }
      return builder.apply(operation, to: [image], name: node.name)
    }
    return keepingParameters(in: simpler)
  }
}

/// Matches the nodes that compute a graph's values.
private struct StandardizationSearch {
  private let graph: Graph
  private var makers: [ValueID: Graph.Node] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    for node in graph.nodes where node.outputs.count == 1 { makers[node.outputs[0]] = node }
  }

  /// The standardisation whose last step, the division, is a node, and its operand; nil if it is
  /// none.
  func standardization(endingIn node: Graph.Node) -> (Standardization, ValueID)? {
    guard case .arithmetic(.divide) = node.operation.kind,
      let centre = makers[node.inputs[0]],
      case .arithmetic(.subtract) = centre.operation.kind,
      let mean = mean(centre.inputs[1]), mean.image == centre.inputs[0],
      let root = makers[node.inputs[1]],
      case .function(.squareRoot) = root.operation.kind,
      let (epsilon, variance) = shifted(root.inputs[0]),
      let spread = self.mean(variance), spread.dimensions == mean.dimensions,
      isSquare(spread.image, of: node.inputs[0])
    else { return nil }
    return (Standardization(over: mean.dimensions, epsilon: epsilon), mean.image)
  }

  /// The operand and the dimensions of a mean, if the dimensions are kept with extent 1.
  private func mean(_ value: ValueID) -> (image: ValueID, dimensions: [Int])? {
    guard let node = makers[value], let reduction = node.operation as? Reduction,
      reduction.function == .mean, reduction.keepsDimensions
    else { return nil }
    return (node.inputs[0], reduction.dimensions)
  }

  /// The operand and the number of an addition of a non-negative number.
  private func shifted(_ value: ValueID) -> (number: Float, to: ValueID)? {
    guard let node = makers[value] else { return nil }
    if case .function(let function) = node.operation.kind,
      let affine = function.activation as? Activations.Affine, affine.scale == 1
    {
      return affine.offset >= 0 ? (affine.offset, node.inputs[0]) : nil
    }
    guard case .arithmetic(.add) = node.operation.kind else { return nil }
    for (position, input) in node.inputs.enumerated() {
      if case .constant(let tensor) = graph[input].origin, tensor.elements.count == 1,
        tensor.elements[0] >= 0, tensor.elements[0].isFinite
      {
        return (tensor.elements[0], node.inputs[1 - position])
      }
    }
    return nil
  }

  private func isSquare(_ value: ValueID, of root: ValueID) -> Bool {
    guard let node = makers[value], node.inputs.allSatisfy({ $0 == root }) else { return false }
    return switch node.operation.kind {
    case .arithmetic(.multiply), .function(.square), .function(.power(exponent: 2)): true
    default: false
    }
  }
}
