import ConvoyGraphs
import ConvoyTensors
import Testing

extension OperatorSample {
  /// Among how many ranks, and along which axis, the operator exchanges numbers; one where it does not.
  var ranks: (count: Int, axis: RankAxis) {
    if case .exchange(let exchange) = operation.kind {
      (exchange.ranks, exchange.axis)
    } else {
      (1, .data)
    }
  }

  /// Whether its first input can be made by a convolution of two groups; exchanges come of a partition only.
  var canBeDivided: Bool {
    ranks.count == 1 && elementType(ofInput: 0) == .float32 && inputs[0].rank >= 2
      && inputs[0][1] % 2 == 0
  }

  /// The operator's outputs by its reference.
  func reference(_ tensors: [Tensor]) throws -> [ReferenceTensor] {
    operation.reference(
      tensors.map { ReferenceTensor($0) }, outputs: try operation.outputShapes(for: inputs))
  }

  /// A graph of the operator alone, whose first input is given and whose others are parameters.
  ///
  /// - Parameter joiningExchanges: whether half of an exchange gets its other half.
  func graph(joiningExchanges: Bool = false) throws -> Graph {
    let builder = GraphBuilder()
    var values = [builder.input("x", inputs[0], type: elementType(ofInput: 0))]
    values += inputs.indices.dropFirst().map {
      builder.parameter("p\($0)", inputs[$0], type: elementType(ofInput: $0), Parameter(.he))
    }
    var outputs: [Value]
    if joiningExchanges, case .exchange(let exchange) = operation.kind, exchange.phase != .whole {
      if exchange.phase == .end {
        values = builder.apply(AllReduceBegin(exchange.axis, ranks: exchange.ranks), to: values)
      }
      outputs = apply(to: values, in: builder)
      if exchange.phase == .beginning {
        outputs = builder.apply(
          AllReduceEnd(exchange.axis, ranks: exchange.ranks, shapes: inputs), to: outputs)
      }
    } else {
      outputs = apply(to: values, in: builder)
    }
    for (index, output) in outputs.enumerated() { builder.output("y\(index)", output) }
    return try builder.finish()
  }

  /// A graph of the operator behind a convolution of two groups, which makes its first input.
  func graphBehindGroups() throws -> Graph {
    let builder = GraphBuilder()
    let shape = inputs[0]
    let isFlat = shape.rank == 2
    let image = builder.input("x", isFlat ? Shape(shape.dimensions + [1]) : shape)
      .convolution(
        shape[1], kernel: 1, groups: 2, bias: false, name: "groups")
    let others = inputs.indices.dropFirst().map {
      builder.parameter("p\($0)", inputs[$0], type: elementType(ofInput: $0), Parameter(.he))
    }
    let outputs = apply(
      to: [isFlat ? image.flattened() : image] + others, in: builder, name: "sample")
    for (index, output) in outputs.enumerated() { builder.output("y\(index)", output) }
    return try builder.finish()
  }

  /// The parameters of those graphs.
  func parameters(_ tensors: [Tensor]) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: tensors.enumerated().dropFirst().map { ("p\($0)", $1) })
  }

  /// A graph's outputs by the references.
  func expected(_ graph: Graph, _ tensors: [Tensor]) throws -> [ReferenceTensor] {
    let parameters = parameters(tensors)
    var given = [graph.inputs[0]: ReferenceTensor(tensors[0])]
    for id in graph.parameters {
      given[id] = parameters[graph[id].name].map { ReferenceTensor($0) }
    }
    let known = graph.evaluatedByReference(given)
    return try graph.outputs.map { try #require(known[$0.value]) }
  }

  /// Whether the gradients in some inputs are nil.
  func hasNoGradient(in others: [Int]) throws -> Bool {
    let builder = GraphBuilder()
    let values = inputs.enumerated().map {
      builder.input("x\($0)", $1, type: elementType(ofInput: $0))
    }
    let outputs = apply(to: values, in: builder)
    let received = outputs.enumerated().map { builder.input("g\($0)", $1.shape) }
    let site = GradientSite(
      inputs: values, outputs: outputs, outputGradients: received,
      isNeeded: inputs.indices.map { _ in true })
    let sent = operation.gradients(at: site)
    return others.allSatisfy { sent[$0] == nil }
  }
}

/// Expects that a tensor is nearly what a reference says, relative to the largest magnitude: sums of n products
/// in floats are off by about √n·ε of their terms, and the samples' n stay below 2¹².
func expectClose(
  _ tensor: Tensor, _ reference: ReferenceTensor, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(tensor.shape == reference.shape, "\(what)", sourceLocation: sourceLocation)
  let finite = reference.elements.lazy.filter(\.isFinite)
  let scale = max(finite.map(\.magnitude).max() ?? 0, 1e-3)
  let worst = zip(ReferenceTensor(tensor).elements, reference.elements).reduce(0.0) { worst, pair in
    if pair.0 == pair.1 { return worst }
    let error = abs(pair.0 - pair.1)
    return error.isNaN ? .infinity : max(worst, error)
  }
  #expect(
    worst <= 2e-5 * scale, "\(what): off by \(worst), largest \(scale)",
    sourceLocation: sourceLocation)
}
