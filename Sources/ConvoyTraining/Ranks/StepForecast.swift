import ConvoyEngine
public import ConvoyGraphs
public import ConvoyKernels
public import ConvoyTensors

/// What a rank's training step will compute, keep and send, read off the graph of the step without running
/// it.
///
/// What is computed and sent is exact: `bytesSent(byRank:)` is by how much the rank's communicators'
/// `bytesSent` grow in a step. Memory of activations and times are estimates.
public struct StepForecast: Sendable {
  /// How the ranks stand.
  public let grid: RankGrid
  /// Images of a step, over all ranks.
  public let batch: Int
  /// How channels are divided; nil where they are not.
  public let partition: Partition?
  /// Trained numbers that a rank has.
  public let parameters: Int
  /// Bytes of a rank's parameters, running statistics included.
  public let parameterBytes: Int
  /// Bytes of what the optimiser remembers of a rank's parameters.
  public let optimizerBytes: Int
  /// About how many bytes a rank's activations and gradients take, at the point of the step where most are
  /// needed at once: each value from where it is made to where it is last read. A plan takes somewhat more
  /// for the borders of its planes, and less where operators are fused.
  public let activationBytes: Int
  /// Multiply-adds of a rank's network and loss, for its share of the images.
  public let forwardMultiplyAdds: Int
  /// Multiply-adds of the gradients.
  public let backwardMultiplyAdds: Int
  /// What a rank exchanges, in the order in which exchanges begin; the same on every rank.
  public let exchanges: [StepExchange]
  /// How long a step takes.
  public let timing: StepTiming

  /// Forecasts a step of ranks with the settings that `TrainingRank` begins with.
  ///
  /// - Parameters:
  ///   - network: the whole network, a classifier.
  ///   - grid: how the ranks stand.
  ///   - batch: images of a step, over all ranks.
  ///   - options: what else belongs to a step.
  ///   - speed: what ranks can do: for times, and for what is worth dividing. `Trainer` divides by the
  ///     default speed.
  /// - Throws: `ConvoyError` when the batch or the network cannot be divided so, or cannot be trained.
  /// - Complexity: that of building the step's graph; nothing of the size of parameters is allocated.
  public init(
    of network: Graph, grid: RankGrid, batch: Int,
    options: StepOptions = TrainingOptions().step, speed: RankSpeed = RankSpeed()
  ) throws(ConvoyError) {
    try self.init(
      of: network, as: TrainingRank(unconnected: grid, rank: 0), batch: batch, options: options,
      speed: speed)
  }

  /// Forecasts a step of a given rank, with its settings; the arguments are those of
  /// `init(of:grid:batch:options:speed:)`.
  ///
  /// - Throws: `ConvoyError` when the batch or the network cannot be divided so, or cannot be trained.
  public init(
    of network: Graph, as rank: TrainingRank, batch: Int,
    options: StepOptions = TrainingOptions().step, speed: RankSpeed = RankSpeed()
  ) throws(ConvoyError) {
    grid = rank.grid
    guard batch >= 1, batch % grid.data == 0 else {
      throw ConvoyError(
        .argument,
        "A batch of \(batch) images cannot be divided evenly over \(grid.data) ranks.")
    }
    self.batch = batch
    let images = batch / grid.data
    partition =
      grid.groups > 1
      ? try network.partitioned(groups: grid.groups, batch: images, speed: speed) : nil
    let own = try partition?.graph(rank: rank.groupRank) ?? network
    let step = try network.trainingStep(
      batch: images, options, rank: rank, partition: partition)
    let cost = step.cost
    parameters = cost.parameters
    forwardMultiplyAdds = try own.resized(batch: images).cost.multiplyAdds
    backwardMultiplyAdds = cost.multiplyAdds - forwardMultiplyAdds
    (parameterBytes, optimizerBytes) = step.parameterBytes
    activationBytes = step.mostBytesAtOnce
    exchanges = step.exchanges
    timing = StepTiming(of: step, at: speed)
  }

  /// Bytes that a rank sends in a step, without headers.
  ///
  /// - Parameters:
  ///   - rank: which of all ranks.
  ///   - axis: only what is sent along it; nil for both.
  /// - Precondition: the rank is in the grid.
  public func bytesSent(byRank rank: Int, along axis: RankAxis? = nil) -> Int {
    let place = TrainingRank(unconnected: grid, rank: rank)
    return exchanges.reduce(0) { sum, exchange in
      guard axis == nil || exchange.axis == axis else { return sum }
      let own = exchange.axis == .data ? place.dataRank : place.groupRank
      return sum + exchange.collective.bytesSent(byRank: own, of: exchange.ranks)
    }
  }
}

/// An exchange of a training step.
public struct StepExchange: Hashable, Sendable {
  /// The node whose exchange it is.
  public let name: String
  /// Among which ranks.
  public let axis: RankAxis
  /// How many they are.
  public let ranks: Int
  /// What is exchanged.
  public let collective: Collective
  /// Whether the step goes on computing meanwhile.
  public let isOverlapped: Bool

  /// The exchange of a node; nil where it sends nothing.
  init?(_ node: Graph.Node, in graph: Graph) {
    let (inputs, outputs) = graph.shapes(of: node)
    guard case .exchange(let operation) = node.operation.kind, operation.ranks > 1,
      let collective = operation.collective(inputs: inputs, outputs: outputs)
    else { return nil }
    name = node.name
    axis = operation.axis
    ranks = operation.ranks
    self.collective = collective
    isOverlapped = operation.phase == .beginning
  }
}

extension Graph {
  /// What its nodes exchange, in their order.
  var exchanges: [StepExchange] { nodes.compactMap { StepExchange($0, in: self) } }

  /// The bytes of a step's parameters, first the network's and then the optimiser's.
  fileprivate var parameterBytes: (network: Int, optimizer: Int) {
    var (network, optimizer) = (0, 0)
    for id in parameters {
      if self[id].name.hasPrefix(Optimizer.prefix) {
        optimizer += self[id].bytes
      } else {
        network += self[id].bytes
      }
    }
    return (network, optimizer)
  }

  /// The bytes of inputs and computed values at the point where most are needed at once.
  ///
  /// What takes a parameter's place is not counted: updates are done in place. Neither are views of other
  /// values.
  var mostBytesAtOnce: Int {
    var holder = Array(values.indices)
    var lastUse = Array(repeating: -1, count: values.count)
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { lastUse[holder[input.index]] = index }
      guard [.nothing, .reshapes].contains(traits(of: node).effect) else { continue }
      for output in node.outputs { holder[output.index] = holder[node.inputs[0].index] }
    }
    for output in outputs { lastUse[holder[output.value.index]] = nodes.count }
    let updated = Set(updates.map(\.value))
    func isCounted(_ id: ValueID) -> Bool {
      holder[id.index] == id.index && !updated.contains(id)
    }
    var freed = Array(repeating: 0, count: nodes.count + 1)
    var held = 0
    for id in inputs where lastUse[id.index] >= 0 {
      held += self[id].bytes
      freed[lastUse[id.index]] += self[id].bytes
    }
    var most = held
    for (index, node) in nodes.enumerated() {
      for output in node.outputs where isCounted(output) {
        held += self[output].bytes
        freed[max(index, lastUse[output.index])] += self[output].bytes
      }
      most = max(most, held)
      held -= freed[index]
    }
    return most
  }
}

extension Graph.ValueInfo {
  /// What its elements take.
  fileprivate var bytes: Int { tensorType.byteCount }
}
