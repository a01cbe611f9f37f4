import ConvoyTensors

extension Model {
  /// With each batch norm that directly follows a layer of weights folded into it; nil if none does.
  ///
  /// scale·(Wx + b − mean) ∕ √(variance + ε) + shift is the layer with the weights of each output
  /// channel multiplied by f = scale ∕ √(variance + ε), and the bias (b − mean)·f + shift.
  func foldingBatchNormalization() throws(ConvoyError) -> Model? {
    let folds = BatchNormalizationFold.all(in: self)
    guard !folds.isEmpty else { return nil }
    let foldOfLayer = Dictionary(uniqueKeysWithValues: folds.map { ($0.layer.name, $0) })
    let normalizations = Set(folds.map(\.normalizationName))
    var changed: [String: Tensor] = [:]
    let folded = try graph.rewritten { node, inputs, builder in
      if normalizations.contains(node.name) { return [inputs[0]] }
      guard let fold = foldOfLayer[node.name] else { return nil }
      let numbers = fold.weightsAndBias.map { item in
        item.declared(in: builder, changing: &changed)
      }
      return builder.apply(node.operation, to: [inputs[0]] + numbers, name: node.name)
    }
    return keepingParameters(in: folded, but: changed)
  }
}

/// A layer and the batch norm that goes into it.
private struct BatchNormalizationFold {
  /// A layer's weights or bias, as they become.
  struct Item {
    let name: String
    let origin: Graph.Origin
    let tensor: Tensor

    /// Puts them where they were: among the parameters, or into the graph as a constant.
    func declared(in builder: GraphBuilder, changing parameters: inout [String: Tensor]) -> Value {
      guard case .parameter(let parameter) = origin else {
        return builder.constant(tensor, name: name)
      }
      parameters[name] = tensor
      return builder.parameter(name, tensor.shape, parameter)
    }
  }

  let layer: Graph.Node
  let normalizationName: String
  let weightsAndBias: [Item]

  /// Every batch norm of a model that can be folded into the layer before it.
  static func all(in model: Model) -> [BatchNormalizationFold] {
    let uses = UseCounts(model.graph)
    var makers: [ValueID: Graph.Node] = [:]
    for node in model.graph.nodes where node.outputs.count == 1 {
      makers[node.outputs[0]] = node
    }
    var takenNames = Set(model.graph.values.map(\.name))
    return model.graph.nodes.compactMap { node in
      guard let normalization = node.operation as? BatchNormalization,
        let layer = makers[node.inputs[0]], uses[node.inputs[0]] == 1
      else { return nil }
      return BatchNormalizationFold(
        normalization, node, into: layer, of: model, uses, &takenNames)
    }
  }

  private init?(
    _ normalization: BatchNormalization, _ node: Graph.Node, into layer: Graph.Node,
    of model: Model, _ uses: UseCounts, _ takenNames: inout Set<String>
  ) {
    let graph = model.graph
    let statistics = node.inputs.dropFirst().compactMap { model.fixedNumbers($0, uses)?.elements }
    // A parameter that something else reads too must keep its numbers.
    let owned = layer.inputs.dropFirst()
    guard statistics.count == 4,
      owned.allSatisfy({ uses[$0] == 1 || !graph[$0].origin.isParameter }),
      let weights = owned.first, let old = model.fixedNumbers(weights, uses),
      let (run, channelOf) = layer.operation.outputChannel(ofWeights: old.shape)
    else { return nil }

    let channels = statistics[0].count
    var bias = Array(repeating: 0.0, count: channels)
    if let id = owned.dropFirst().first {
      guard let numbers = model.fixedNumbers(id, uses) else { return nil }
      bias = numbers.elements.map(Double.init)
    }
    let factors = zip(statistics[0], statistics[3]).map { scale, variance in
      Double(scale) / (Double(variance) + Double(normalization.epsilon)).squareRoot()
    }
    let weightTensor = Tensor(uninitialized: old.shape) { new in
      for start in stride(from: 0, to: old.elements.count, by: run) {
        let factor = factors[channelOf(start)]
        for index in start..<start + run {
          new.initializeElement(at: index, to: Float(Double(old.elements[index]) * factor))
        }
      }
    }
    let newBias = (0..<channels).map { c -> Float in
      let (shift, mean) = (Double(statistics[1][c]), Double(statistics[2][c]))
      return Float((bias[c] - mean) * factors[c] + shift)
    }
    guard let biasTensor = try? Tensor([channels], newBias) else { return nil }

    let weightItem = Item(
      name: graph[weights].name, origin: graph[weights].origin, tensor: weightTensor)
    let biasItem: Item
    if let id = owned.dropFirst().first {
      biasItem = Item(name: graph[id].name, origin: graph[id].origin, tensor: biasTensor)
    } else {
      let name = Self.biasName(weights: graph[weights].name, layer: layer.name, &takenNames)
      biasItem = Item(
        name: name, origin: .parameter(Parameter(.constant(0))), tensor: biasTensor)
    }
    self.layer = layer
    normalizationName = node.name
    weightsAndBias = [weightItem, biasItem]
  }

  /// `conv1.bias` beside `conv1.weight`; otherwise after the layer, with as many underscores as make
  /// it new.
  private static func biasName(
    weights: String, layer: String, _ taken: inout Set<String>
  ) -> String {
    var name = layer + ".bias"
    if weights.hasSuffix(".weight") { name = weights.dropLast("weight".count) + "bias" }
    while !taken.insert(name).inserted { name += "_" }
    return name
  }
}

/// How often each value of a graph is read, by nodes, as an output, or as what a parameter becomes.
private struct UseCounts {
  private var counts: [Int]
  private var updated: Set<ValueID>

  init(_ graph: Graph) {
    counts = Array(repeating: 0, count: graph.values.count)
    let read =
      graph.nodes.flatMap(\.inputs) + graph.outputs.map(\.value) + graph.updates.map(\.value)
    for id in read { counts[id.index] += 1 }
    updated = Set(graph.updates.map(\.parameter))
  }

  subscript(id: ValueID) -> Int { counts[id.index] }

  func isUpdated(_ id: ValueID) -> Bool { updated.contains(id) }
}

extension Model {
  /// The numbers of a parameter that no run changes, or of a constant; nil for all else.
  fileprivate func fixedNumbers(_ id: ValueID, _ uses: UseCounts) -> Tensor? {
    switch graph[id].origin {
    case .parameter: uses.isUpdated(id) ? nil : parameters[graph[id].name]
    case .constant(let tensor): tensor
    case .input, .computed: nil
    }
  }
}

extension Graph.Origin {
  fileprivate var isParameter: Bool {
    if case .parameter = self { true } else { false }
  }
}

extension Operator {
  /// For an operator with weights, how many of them in a row belong to the same output channel, and to
  /// which one an element belongs.
  fileprivate func outputChannel(
    ofWeights shape: Shape
  ) -> (run: Int, channel: (Int) -> Int)? {
    switch self {
    case is Convolution, is Linear:
      let perOutput = shape.elementCount / shape[0]
      return (perOutput, { $0 / perOutput })
    case let transposed as TransposedConvolution:
      // [I, O∕G, k…]: the rows of a group's inputs all hold that group's outputs.
      let inputsPerGroup = shape[0] / transposed.groups
      let perInput = shape.elementCount / shape[0]
      let window = perInput / shape[1]
      return (
        window,
        { $0 / perInput / inputsPerGroup * shape[1] + $0 % perInput / window }
      )
    default: return nil
    }
  }
}
