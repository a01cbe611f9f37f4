package import ConvoyTensors

extension Model {
  /// The model with affine functions of channels (`ChannelAffine`) folded into the layer directly
  /// before them, or into a convolution without padding or linear layer directly after them; nil if
  /// there are none.
  ///
  /// After a layer: f·(Wx + b) + s is the layer with the weights of each output channel multiplied
  /// by f, and the bias f·b + s. Before a layer: W(f·x + s) + b is the layer with the weights of
  /// each input channel multiplied by f, and the bias b + Ws; padding would need −s∕f instead of
  /// zeros. Only arithmetic is folded into the layer after it: a batch normalisation before a layer
  /// is usually followed by a function.
  package func foldingChannelAffine() throws(ConvoyError) -> Model? {
    let folds = LayerFold.all(in: self)
    guard !folds.isEmpty else { return nil }
    let foldOfLayer = Dictionary(uniqueKeysWithValues: folds.map { ($0.layer.name, $0) })
    let images = Dictionary(uniqueKeysWithValues: folds.map { ($0.affineName, $0.image) })
    var changed: [String: Tensor] = [:]
    let folded = try graph.rewritten { node, inputs, builder in
      if let image = images[node.name] { return [inputs[image]] }
      guard let fold = foldOfLayer[node.name] else { return nil }
      let numbers = fold.weightsAndBias.map { item in
        item.declared(in: builder, changing: &changed)
      }
      return builder.apply(node.operation, to: [inputs[0]] + numbers, name: node.name)
    }
    return keepingParameters(in: folded, but: changed)
  }
}

/// A layer and the affine function that is folded into it.
private struct LayerFold {
  /// A layer's new weights or bias.
  struct Item {
    let name: String
    let origin: Graph.Origin
    let tensor: Tensor

    /// Declares them as they were before: as parameters, or as constants of the graph.
    func declared(in builder: GraphBuilder, changing parameters: inout [String: Tensor]) -> Value {
      guard case .parameter(let parameter) = origin else {
        return builder.constant(tensor, name: name)
      }
      parameters[name] = tensor
      return builder.parameter(name, tensor.shape, parameter)
    }
  }

  /// A layer's own tensors.
  struct Layer {
    let node: Graph.Node
    let operation: any LayerOperator
    let weights: ValueID
    let bias: ValueID?
    let weightNumbers: Tensor
    /// Zeros where the layer has no bias.
    var biasNumbers: [Double]

    /// A layer whose tensors are constant and have no other readers.
    init?(_ node: Graph.Node, of model: Model, _ reads: ReadCounts) {
      let graph = model.graph
      let owned = node.inputs.dropFirst()
      guard case .layer(let operation) = node.operation.kind,
        owned.allSatisfy({ reads[$0] == 1 || !graph[$0].origin.isParameter }),
        let weights = owned.first, let numbers = model.fixedNumbers(weights, reads)
      else { return nil }
      self.node = node
      self.operation = operation
      self.weights = weights
      weightNumbers = numbers
      bias = owned.dropFirst().first
      biasNumbers = Array(repeating: 0, count: graph[node.outputs[0]].shape[1])
      if let bias {
        guard let numbers = model.fixedNumbers(bias, reads) else { return nil }
        biasNumbers = numbers.elements.map(Double.init)
      }
    }
  }

  let layer: Graph.Node
  let affineName: String
  let image: Int
  let weightsAndBias: [Item]

  /// All folds of a model that can be made at once: each layer takes part in at most one.
  static func all(in model: Model) -> [LayerFold] {
    let reads = ReadCounts(model.graph)
    var makers: [ValueID: Graph.Node] = [:]
    for node in model.graph.nodes where node.outputs.count == 1 {
      makers[node.outputs[0]] = node
    }
    var takenNames = Set(model.graph.values.map(\.name))
    var taken: Set<String> = []
    var folds: [LayerFold] = []
    for node in model.graph.nodes {
      guard let affine = model.channelAffine(node, reads) else { continue }
      let image = node.inputs[affine.image]
      guard reads[image] == 1, let maker = makers[image], !taken.contains(maker.name),
        let layer = Layer(maker, of: model, reads),
        let fold = LayerFold(affine, node, after: layer, of: model, &takenNames)
      else { continue }
      taken.formUnion([maker.name, node.name])
      folds.append(fold)
    }
    for node in model.graph.nodes where !taken.contains(node.name) {
      guard case .layer(let operation) = node.operation.kind, operation.readsWholeWindows,
        reads[node.inputs[0]] == 1, let maker = makers[node.inputs[0]],
        case .arithmetic = maker.operation.kind, !taken.contains(maker.name),
        let affine = model.channelAffine(maker, reads),
        let layer = Layer(node, of: model, reads),
        let fold = LayerFold(affine, maker, before: layer, of: model, &takenNames)
      else { continue }
      taken.formUnion([maker.name, node.name])
      folds.append(fold)
    }
    return folds
  }

  private init?(
    _ affine: ChannelAffine, _ node: Graph.Node, after layer: Layer, of model: Model,
    _ takenNames: inout Set<String>
  ) {
    guard affine.factors.count == layer.biasNumbers.count else { return nil }
    let scaled = ScaledWeights(
      layer.weightNumbers, of: layer.operation, byOutput: affine.factors)
    let weights = Tensor(layer.weightNumbers.shape, from: scaled)
    let bias = layer.biasNumbers.indices.map {
      layer.biasNumbers[$0] * affine.factors[$0] + affine.shifts[$0]
    }
    self.init(affine, node, layer, weights: weights, bias: bias, of: model, &takenNames)
  }

  private init?(
    _ affine: ChannelAffine, _ node: Graph.Node, before layer: Layer, of model: Model,
    _ takenNames: inout Set<String>
  ) {
    guard
      let scaled = ScaledWeights(
        layer.weightNumbers, of: layer.operation, byInput: affine.factors)
    else { return nil }
    var bias = layer.biasNumbers
    if affine.shifts.contains(where: { $0 != 0 }) {
      guard let sums = try? scaled.sums(weightedBy: affine.shifts) else { return nil }
      for channel in bias.indices { bias[channel] += sums[channel] }
    }
    let weights = Tensor(layer.weightNumbers.shape, from: scaled)
    self.init(affine, node, layer, weights: weights, bias: bias, of: model, &takenNames)
  }

  private init?(
    _ affine: ChannelAffine, _ node: Graph.Node, _ layer: Layer, weights: Tensor, bias: [Double],
    of model: Model, _ takenNames: inout Set<String>
  ) {
    guard let biasTensor = try? Tensor([bias.count], bias.map { Float($0) }) else { return nil }
    let graph = model.graph
    var items = [
      Item(
        name: graph[layer.weights].name, origin: graph[layer.weights].origin, tensor: weights)
    ]
    if let id = layer.bias {
      items.append(Item(name: graph[id].name, origin: graph[id].origin, tensor: biasTensor))
    } else if affine.alwaysHasShift || bias.contains(where: { $0 != 0 }) {
      let name = Self.biasName(
        weights: graph[layer.weights].name, layer: layer.node.name, &takenNames)
      items.append(
        Item(name: name, origin: .parameter(Parameter(.constant(0))), tensor: biasTensor))
    }
    self.layer = layer.node
    affineName = node.name
    image = affine.image
    weightsAndBias = items
  }

  /// `conv1.bias` for `conv1.weight`; otherwise named after the layer, with as many underscores as
  /// make it unique.
  private static func biasName(
    weights: String, layer: String, _ taken: inout Set<String>
  ) -> String {
    var name = layer + ".bias"
    if weights.hasSuffix(".weight") { name = weights.dropLast("weight".count) + "bias" }
    while !taken.insert(name).inserted { name += "_" }
    return name
  }
}
