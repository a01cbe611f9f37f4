public import ConvoyEngine
public import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors
public import ConvoyTraining

/// The measured times of training steps over several ranks, with and without exchanges.
public struct StepMeasurement: Hashable, Sendable {
  /// The grid of ranks.
  public let grid: RankGrid
  /// Images of a step, over all ranks.
  public let batch: Int
  /// The number of steps that were timed. Times are medians, in seconds, on the rank that measured.
  public let rounds: Int
  /// A complete step.
  public let step: Double
  /// A step without exchanges.
  public let computing: Double
  /// A step with the exchanges that it waits for, without those of gradients.
  public let withoutOverlapped: Double
  /// The exchanges of gradients, which overlap a step, without computation.
  public let overlapped: Double
  /// Bytes that the rank sent in a step, without headers.
  public let bytesSent: Int
  /// The bytes that the forecast expects.
  public let expectedBytesSent: Int
  /// The measured speeds of ranks: that of `computing`, and that of all-reduces.
  public let speed: RankSpeed
  /// The forecast for ranks of these speeds.
  public let forecast: StepTiming

  /// The fraction of the overlapped exchanges' time that does not lengthen a step; nil if there are
  /// no such exchanges. Measurement errors may bring it outside 0…1.
  public var hiddenPart: Double? {
    overlapped > 0 ? 1 - (step - withoutOverlapped) / overlapped : nil
  }
}

extension Model {
  /// Times training steps as one of several ranks, on random images: complete steps, and their
  /// parts.
  ///
  /// All ranks must call this at the same time, with the same arguments except for their place.
  ///
  /// - Parameters:
  ///   - batch: images of a step, over all ranks.
  ///   - rank: this rank's place.
  ///   - step: the optimiser and the other options of a step.
  ///   - options: the threads and settings.
  ///   - seconds: the approximate time for complete steps, of which there are from 3 to 30.
  /// - Throws: `ConvoyError` when batch or network cannot be divided like this, the machine has too
  ///   little memory, or another rank has stopped.
  public func measuredStep(
    batch: Int, as rank: TrainingRank,
    step: StepOptions = StepOptions(optimizer: .sgd(momentum: 0.9), weightDecay: 1e-4),
    options: CompileOptions = CompileOptions(), seconds: Double = 3
  ) throws(ConvoyError) -> StepMeasurement {
    let forecast = try StepForecast(of: graph, as: rank, batch: batch, options: step)
    let stepGraph = try graph.trainingStep(
      batch: batch / rank.grid.data, step, recomputing: options.recomputesActivations, rank: rank,
      partition: forecast.partition)
    var given = parameters
    if let partition = forecast.partition {
      for (name, tensor) in given {
        given[name] = try partition.share(tensor, named: name, rank: rank.groupRank)
      }
    }
    let trial = try StepTrial(
      stepGraph, parameters: given, forecast.exchanges.filter(\.isOverlapped), as: rank, options)
    // The first step has cold caches, and causes page faults.
    try trial.run()
    var bytesSent = 0
    let first = try rank.seconds { () throws(ConvoyError) in
      let before = trial.bytesSent
      try trial.run()
      bytesSent = trial.bytesSent - before
    }
    // All ranks must use the same number of rounds.
    let rounds = max(3, min(30, Int(seconds / max(try rank.mean(first), 1e-6))))
    var times: [[Double]] = [[], [], [], []]
    for _ in 0..<rounds {
      times[0].append(try rank.seconds { () throws(ConvoyError) in try trial.run() })
      times[1].append(
        try rank.seconds { () throws(ConvoyError) in
          try trial.run(without: [.awaited, .background])
        })
      times[2].append(
        try rank.seconds { () throws(ConvoyError) in try trial.run(without: [.background]) })
      times[3].append(try rank.seconds { () throws(ConvoyError) in trial.runOverlapped() })
    }
    let medians = times.map { $0.sorted()[rounds / 2] }
    var speed = try rank.linkSpeed()
    let multiplyAdds = forecast.forwardMultiplyAdds + forecast.backwardMultiplyAdds
    speed.multiplyAdds = max(1, Double(multiplyAdds) / medians[1])
    return StepMeasurement(
      grid: rank.grid, batch: batch, rounds: rounds, step: medians[0], computing: medians[1],
      withoutOverlapped: medians[2], overlapped: trial.overlapped.isEmpty ? 0 : medians[3],
      bytesSent: bytesSent, expectedBytesSent: forecast.bytesSent(byRank: rank.rank),
      speed: speed, forecast: StepTiming(of: stepGraph, at: speed))
  }
}

/// A rank's compiled step, which can run with some or all of its exchanges.
private struct StepTrial {
  /// The exchanges that overlap the computation.
  let overlapped: [StepExchange]
  private let communicators: [RankAxis: QuietableCommunicator]
  private let plan: Plan
  private let variables: Variables
  private let inputs: [String: Tensor]

  init(
    _ step: Graph, parameters: [String: Tensor], _ overlapped: [StepExchange],
    as rank: TrainingRank, _ options: CompileOptions
  ) throws(ConvoyError) {
    self.overlapped = overlapped
    communicators = rank.communicators.mapValues(QuietableCommunicator.init)
    var options = options
    options.communicators = communicators
    plan = try step.compiledWithVariables(options: options)
    variables = try Variables(
      plan, parameters: step.initialParameters(beginningWith: parameters, seed: 1))
    inputs = try step.randomStepInputs()
  }

  /// Bytes sent so far on all axes.
  var bytesSent: Int { communicators.values.reduce(0) { $0 + $1.bytesSent } }

  /// Runs the step without some exchanges.
  func run(without quiet: Set<ExchangePriority> = []) throws(ConvoyError) {
    for communicator in communicators.values { communicator.quiet = quiet }
    _ = try plan.run(named: inputs, variables: variables)
  }

  /// Runs only the overlapped exchanges.
  func runOverlapped() {
    for communicator in communicators.values { communicator.quiet = [] }
    overlapped.runAtOnce(communicators)
  }
}

extension TrainingRank {
  /// The seconds from when all ranks begin something until all have finished it.
  fileprivate func seconds(
    _ body: () throws(ConvoyError) -> Void
  ) throws(ConvoyError) -> Double {
    let clock = ContinuousClock()
    try meet()
    let start = clock.now
    try body()
    try meet()
    return (clock.now - start) / .seconds(1)
  }

  /// Waits until all ranks have called this.
  private func meet() throws(ConvoyError) {
    for axis in RankAxis.allCases { _ = try sum([0], along: axis) }
  }

  /// The mean of all ranks' numbers, which is the same on every rank.
  fileprivate func mean(_ number: Double) throws(ConvoyError) -> Double {
    var sums = [Float(number)]
    for axis in RankAxis.allCases { sums = try sum(sums, along: axis) }
    return Double(sums[0]) / Double(grid.count)
  }

  /// The latency and bandwidth of a link, from all-reduces of one number and of many.
  fileprivate func linkSpeed() throws(ConvoyError) -> RankSpeed {
    var speed = RankSpeed()
    guard let axis = grid.data > 1 ? RankAxis.data : grid.groups > 1 ? .groups : nil else {
      return speed
    }
    let others = Double((axis == .data ? grid.data : grid.groups) - 1)
    func median(count: Int, times: Int) throws(ConvoyError) -> Double {
      let numbers = [Float](repeating: 0, count: count)
      let clock = ContinuousClock()
      var all: [Double] = []
      for _ in 0..<times {
        let start = clock.now
        _ = try sum(numbers, along: axis)
        all.append((clock.now - start) / .seconds(1))
      }
      return all.sorted()[times / 2]
    }
    speed.latency = try median(count: 1, times: 51) / (2 * others)
    let count = 1 << 22
    let long = try median(count: count, times: 5) - 2 * others * speed.latency
    let bytes = 2 * others / (others + 1) * Double(count * ElementType.float32.size)
    speed.bandwidth = bytes / max(long, 1e-9)
    return speed
  }
}

extension [StepExchange] {
  /// Begins all exchanges, with memory of their own, and waits for them.
  fileprivate func runAtOnce(_ communicators: [RankAxis: QuietableCommunicator]) {
    var memory: [UnsafeMutableBufferPointer<Float>] = []
    defer { for numbers in memory { numbers.deallocate() } }
    for (tag, exchange) in enumerated() {
      let counts = exchange.collective.counts(ranks: exchange.ranks)
      let numbers = UnsafeMutableBufferPointer<Float>.allocate(
        capacity: Swift.max(1, counts.input + counts.output))
      numbers.initialize(repeating: 0)
      memory.append(numbers)
      guard let source = numbers.baseAddress else { continue }
      communicators[exchange.axis]?.begin(
        exchange.collective, tag: tag, from: source, to: source + counts.input,
        priority: exchange.isOverlapped ? .background : .awaited)
    }
    for (tag, exchange) in enumerated() { communicators[exchange.axis]?.finish(tag: tag) }
  }
}
