public import ConvoyTensors

/// The speed of ranks and of their network, from which the cost of exchanges is estimated.
public struct RankSpeed: Hashable, Sendable, Codable {
  /// The multiply-adds that a rank computes in a second.
  public var multiplyAdds: Double
  /// The bytes that a rank sends in a second, while it receives as many.
  public var bandwidth: Double
  /// The seconds from the sending of a message to its arrival.
  public var latency: Double

  /// By default, two cores of a server, and an Ethernet of 10 Gbit/s.
  public init(
    multiplyAdds: Double = 50e9, bandwidth: Double = 1.25e9, latency: Double = 30e-6
  ) {
    self.multiplyAdds = multiplyAdds
    self.bandwidth = bandwidth
    self.latency = latency
  }
}

/// A network divided over ranks by its channels: where the number of ranks divides the groups, or
/// the outputs, of a layer, each rank computes its own.
///
/// A value on a rank is either whole, with the same numbers as on every rank, or a share of its
/// channels. Grouped convolutions compute shares from shares without an exchange. Where an operator
/// needs all channels, they are gathered; where it needs only the rank's own channels of a whole
/// value, they are sliced.
public struct Partition: Sendable {
  /// How a layer is computed whose groups are not divided by the number of ranks.
  public struct Choice: Hashable, Sendable {
    /// The layer.
    public var node: String
    /// Whether each rank computes some of its outputs; otherwise each computes all.
    public var isDivided: Bool
    /// The estimated seconds of a training step, on one rank, that the layer takes if it is
    /// divided, and if it is repeated.
    public var dividedSeconds: Double
    /// See `dividedSeconds`.
    public var repeatedSeconds: Double
    /// Why there was no choice, as the end of a sentence; nil if there was one.
    public var reason: String?
  }

  /// The whole network.
  public let graph: Graph
  /// The number of ranks.
  public let ranks: Int
  /// The choices, in the order of the layers.
  public let choices: [Choice]
  /// For each parameter that is divided, the dimension of the shares.
  public let divided: [String: Int]
  /// Whether each value is a share; by its index in the graph.
  let isShare: [Bool]
  /// How each node is computed.
  let modes: [Mode]

  /// How a rank computes a node.
  enum Mode: Hashable {
    /// From whole values, as on every rank.
    case repeated
    /// From the rank's share of the inputs that have channels.
    case share
    /// The rank's share of the outputs, from whole values.
    case outputs
  }

  /// A line for each layer that could be divided or repeated, with the estimate and the choice.
  public var report: [String] {
    func text(_ seconds: Double) -> String {
      let tenths = Int((seconds * 1e7).rounded())
      return "\(tenths / 10000).\(String(tenths % 10000 + 10000).dropFirst()) ms"
    }
    return choices.map { choice in
      if let reason = choice.reason {
        return "\(choice.node): repeated on every rank, since \(reason)"
      }
      let estimate =
        "estimated \(text(choice.dividedSeconds)) divided, \(text(choice.repeatedSeconds)) repeated"
      return "\(choice.node): \(choice.isDivided ? "divided by outputs" : "repeated"), \(estimate)"
    }
  }

  /// The names of the nodes of which each rank computes its own part; every rank computes the other
  /// nodes alike.
  public var dividedNodes: Set<String> {
    Set(zip(graph.nodes, modes).filter { $0.1 != .repeated }.map(\.0.name))
  }

  /// A rank's share of a parameter, or all of one that is not divided.
  ///
  /// - Throws: `ConvoyError` when the shape is not that of the network's parameter.
  public func share(_ tensor: Tensor, named name: String, rank: Int) throws(ConvoyError) -> Tensor {
    guard let dimension = divided[name] else { return tensor }
    let share = RankShare(.groups, ranks: ranks, rank: rank, dimension: dimension)
    let shape = try share.share(of: tensor.shape)
    let elements = tensor.elements
    let inner = shape.dimensions[dimension...].reduce(1, *)
    let outer = shape.dimensions[..<dimension].reduce(1, *)
    return Tensor(uninitialized: shape) { target in
      for index in 0..<outer {
        let from = (index * ranks + rank) * inner
        _ = target.extracting(index * inner..<(index + 1) * inner)
          .initialize(from: elements[from..<from + inner])
      }
    }
  }

  /// A parameter composed of all ranks' shares.
  ///
  /// - Precondition: as many shares as ranks, all of one shape.
  public func whole(_ shares: [Tensor], named name: String) -> Tensor {
    guard let dimension = divided[name] else { return shares[0] }
    var extents = shares[0].shape.dimensions
    let inner = extents[dimension...].reduce(1, *)
    let outer = extents[..<dimension].reduce(1, *)
    extents[dimension] *= ranks
    return Tensor(uninitialized: Shape(extents)) { target in
      for (rank, share) in shares.enumerated() {
        for index in 0..<outer {
          let to = (index * ranks + rank) * inner
          _ = target.extracting(to..<to + inner)
            .initialize(from: share.elements[index * inner..<(index + 1) * inner])
        }
      }
    }
  }
}

extension Graph {
  /// Divides a network's channels over ranks.
  ///
  /// - Parameters:
  ///   - ranks: the number of ranks.
  ///   - batch: the images of a step, for the estimates.
  ///   - speed: the speed of ranks, for the estimates.
  /// - Throws: `ConvoyError` when there are no ranks, or nothing can be divided over them.
  public func partitioned(
    groups ranks: Int, batch: Int, speed: RankSpeed = RankSpeed()
  ) throws(ConvoyError) -> Partition {
    guard ranks >= 1 else {
      throw ConvoyError(.argument, "A network is divided over at least 1 rank, got \(ranks).")
    }
    var division = Division(self, ranks: ranks, batch: batch, speed: speed)
    for node in nodes { division.settle(node) }
    guard ranks == 1 || division.modes.contains(where: { $0 != .repeated }) else {
      let reason =
        division.choices.contains { $0.reason == nil }
        ? "No layer is worth dividing over \(ranks) ranks, which would exchange numbers for longer"
        : "No layer has groups or outputs that divide by \(ranks) ranks"
      throw ConvoyError(.graph, "\(reason): every rank would compute the whole network.")
    }
    return Partition(
      graph: self, ranks: ranks, choices: division.choices, divided: division.divided,
      isShare: division.isShare, modes: division.modes)
  }
}

/// Decides, node by node, what each rank computes.
private struct Division {
  let graph: Graph
  let ranks: Int
  let batch: Int
  let speed: RankSpeed
  var isShare: [Bool]
  var modes: [Partition.Mode] = []
  var choices: [Partition.Choice] = []
  var divided: [String: Int] = [:]
  /// Values whose gradient a training step needs.
  private var hasGradient: [Bool]
  /// Parameters with several users, which might need different shares.
  private var sharedParameters: Set<ValueID> = []
  /// Values that a later operator can only use whole.
  private var isWantedWhole: Set<ValueID> = []

  init(_ graph: Graph, ranks: Int, batch: Int, speed: RankSpeed) {
    self.graph = graph
    self.ranks = ranks
    self.batch = batch
    self.speed = speed
    isShare = Array(repeating: false, count: graph.values.count)
    hasGradient = graph.values.map {
      if case .parameter(let parameter) = $0.origin { parameter.isTrainable } else { false }
    }
    var reads: [ValueID: Int] = [:]
    for input in graph.nodes.flatMap(\.inputs) {
      if case .parameter = graph[input].origin { reads[input, default: 0] += 1 }
    }
    sharedParameters = Set(reads.filter { $0.value > 1 }.keys)
    for node in graph.nodes where !followsItsInput(node) {
      if !isDividedByGroups(node) { isWantedWhole.formUnion(node.inputs) }
    }
    isWantedWhole.formUnion(graph.outputs.map(\.value))
    // Propagates this to the inputs of operators whose outputs are shares of the same channels.
    for node in graph.nodes.reversed() where followsItsInput(node) {
      if node.outputs.contains(where: isWantedWhole.contains) {
        isWantedWhole.insert(node.inputs[0])
      }
    }
  }

  /// Whether a share of a node's input makes a share of its output.
  private func followsItsInput(_ node: Graph.Node) -> Bool {
    switch graph.traits(of: node).channels {
    case .alike, .byVector, .runs: true
    case .byPlace, .mixed: false
    }
  }

  /// Whether a node is a layer whose groups are divided over the ranks.
  private func isDividedByGroups(_ node: Graph.Node) -> Bool {
    guard case .layer(let layer) = node.operation.kind else { return false }
    return layer.groups > 1 && layer.groups % ranks == 0
  }

  /// Whether a layer's weights are parameters, which a rank can have a share of, rather than
  /// computed values.
  private func hasOwnWeights(_ node: Graph.Node) -> Bool {
    node.inputs.dropFirst().allSatisfy {
      if case .parameter = graph[$0].origin { true } else { false }
    }
  }

  mutating func settle(_ node: Graph.Node) {
    let mode = mode(of: node)
    modes.append(mode)
    let needsGradient = node.inputs.contains { hasGradient[$0.index] }
    for output in node.outputs {
      isShare[output.index] = mode != .repeated
      hasGradient[output.index] = needsGradient
    }
    guard mode != .repeated else { return }
    // Weights, a bias, or a number for each channel; a single number is broadcast to all channels.
    for input in node.inputs {
      if case .parameter = graph[input].origin, graph[input].shape.elementCount > 1 {
        divided[graph[input].name] = 0
      }
    }
  }

  private mutating func mode(of node: Graph.Node) -> Partition.Mode {
    guard ranks > 1, !node.inputs.contains(where: sharedParameters.contains) else {
      return .repeated
    }
    if isDividedByGroups(node), hasOwnWeights(node) { return .share }
    if case .layer(let layer) = node.operation.kind {
      return layer.weightRows == .outputs ? layerMode(node, layer) : .repeated
    }
    guard followsItsInput(node), node.inputs.contains(where: { isShare[$0.index] }) else {
      return .repeated
    }
    switch graph.traits(of: node).channels {
    case .alike: return haveLikeShares(node) ? .share : .repeated
    case .byVector: return hasOwnVectors(node) ? .share : .repeated
    case .runs: return .share
    case .byPlace, .mixed: return .repeated
    }
  }

  /// Whether a node computes images from an image that is a share and from parameters that are
  /// vectors of a number for each channel.
  private func hasOwnVectors(_ node: Graph.Node) -> Bool {
    isShare[node.inputs[0].index] && hasOwnWeights(node)
      && node.inputs.dropFirst().allSatisfy { graph[$0].shape.rank == 1 }
      && node.outputs.allSatisfy { graph[$0].shape.rank > 1 }
  }

  /// Whether all operands of a node, except single numbers, can be divided into the same shares:
  /// the sum of a share and the same share of a whole value is a share.
  private func haveLikeShares(_ node: Graph.Node) -> Bool {
    let first = graph[node.inputs[0]].shape
    guard first.rank >= 2, first[1] % ranks == 0 else { return false }
    return node.inputs.allSatisfy { input in
      let info = graph[input]
      let isNumber = info.shape.rank < 2 && info.shape.elementCount == 1
      return isNumber || info.shape == first && info.origin == .computed
    }
  }

  /// The mode of a layer whose groups are not divided: repeated, or divided by its outputs.
  private mutating func layerMode(_ node: Graph.Node, _ layer: any LayerOperator) -> Partition.Mode
  {
    let (input, output) = (graph[node.inputs[0]].shape, graph[node.outputs[0]].shape)
    var choice = Partition.Choice(
      node: node.name, isDivided: false, dividedSeconds: .infinity, repeatedSeconds: 0)
    defer { choices.append(choice) }
    let images = Double(batch) / Double(max(1, input[0]))
    let (inputCount, outputCount) = (
      images * Double(input.elementCount), images * Double(output.elementCount)
    )
    // The forward half, and both gradients.
    let computing = 3 * images * Double(graph.cost(of: node).multiplyAdds) / speed.multiplyAdds
    let (isShared, hasGradient) = (
      isShare[node.inputs[0].index], hasGradient[node.inputs[0].index]
    )
    choice.repeatedSeconds = computing + (isShared ? seconds(gathering: inputCount) : 0)
    guard hasOwnWeights(node) else {
      choice.reason = "its weights are computed from others"
      return .repeated
    }
    guard layer.groups == 1, output[1] % ranks == 0 else {
      choice.reason = "its outputs or groups do not divide by \(ranks)"
      return .repeated
    }
    var divided = computing / Double(ranks)
    // A shared input is gathered, and its gradient is reduced and scattered; otherwise the gradient
    // is reduced for all ranks.
    if isShared { divided += seconds(gathering: inputCount) }
    if hasGradient { divided += (isShared ? 1 : 2) * seconds(gathering: inputCount) }
    if isWantedWhole.contains(node.outputs[0]) { divided += seconds(gathering: outputCount) }
    choice.dividedSeconds = divided
    choice.isDivided = divided < choice.repeatedSeconds
    return choice.isDivided ? .outputs : .repeated
  }

  /// The seconds until each rank has all of a number of floats of which it had a share.
  private func seconds(gathering count: Double) -> Double {
    let others = Double(ranks - 1)
    let bytes = count * Double(ElementType.float32.size)
    return others * speed.latency + bytes * others / Double(ranks) / speed.bandwidth
  }
}
