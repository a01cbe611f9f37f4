import ConvoyEngine
public import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// A forecast of what a rank's training step computes, stores and sends, from the graph of the
/// step.
///
/// Computation and communication are exact: `bytesSent(byRank:)` is the increase of `bytesSent` of
/// the rank's communicators in a step. Activations' memory and times are estimates.
public struct StepForecast: Sendable {
  /// The grid of ranks.
  public let grid: RankGrid
  /// Images of a step, over all ranks.
  public let batch: Int
  /// The division of channels; nil if they are not divided.
  public let partition: Partition?
  /// Trained parameters of a rank.
  public let parameters: Int
  /// Bytes of a rank's parameters, including running statistics.
  public let parameterBytes: Int
  /// Bytes of the optimiser's state on a rank.
  public let optimizerBytes: Int
  /// The approximate bytes of a rank's activations and gradients at the step's peak; each value is
  /// live from its computation to its last use. A plan takes somewhat more for halos, and less
  /// where operators are fused.
  public let activationBytes: Int
  /// Multiply-adds of a rank's network and loss, for its share of the images.
  public let forwardMultiplyAdds: Int
  /// Multiply-adds of the gradients.
  public let backwardMultiplyAdds: Int
  /// A rank's exchanges, in the order in which they begin; the same on every rank.
  public let exchanges: [StepExchange]
  /// The times of a step.
  public let timing: StepTiming

  /// Forecasts a step with the default settings of `TrainingRank`.
  ///
  /// - Parameters:
  ///   - network: the whole network, a classifier.
  ///   - grid: the grid of ranks.
  ///   - batch: images of a step, over all ranks.
  ///   - options: the options of a step.
  ///   - speed: the speeds of ranks, for times and for the decision what to divide. `Trainer`
  ///     decides by the default speed.
  /// - Throws: `ConvoyError` when the batch or the network cannot be divided like this, or cannot
  ///   be trained.
  /// - Complexity: that of building the step's graph; no parameters are allocated.
  public init(
    of network: Graph, grid: RankGrid, batch: Int,
    options: StepOptions = TrainingOptions().step, speed: RankSpeed = RankSpeed()
  ) throws(ConvoyError) {
    try self.init(
      of: network, as: TrainingRank(unconnected: grid, rank: 0), batch: batch, options: options,
      speed: speed)
  }

  /// Forecasts a step of a given rank, with its settings; the other arguments are those of
  /// `init(of:grid:batch:options:speed:)`.
  ///
  /// - Throws: `ConvoyError` when the batch or the network cannot be divided like this, or cannot
  ///   be trained.
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
  ///   - rank: the rank's index in the grid.
  ///   - axis: the axis of the exchanges that are counted; nil for both.
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

extension Graph {
  /// The bytes of a step's parameters: the network's, and the optimiser's.
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

  /// The bytes of inputs and computed values at the step's peak.
  ///
  /// New values of parameters are not counted, because updates are in place; neither are views of
  /// other values.
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
  /// The bytes of its elements.
  fileprivate var bytes: Int { tensorType.byteCount }
}
