public import ConvoyEngine
public import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors
public import ConvoyTraining

/// How long training steps of several ranks take, beside what they compute and exchange each alone.
public struct StepMeasurement: Hashable, Sendable {
  /// The grid, and how many images a step has over all ranks.
  public let grid: RankGrid
  /// Images of a step, over all ranks.
  public let batch: Int
  /// How many steps were timed; times are medians, in seconds, of the rank that measured.
  public let rounds: Int
  /// A step as it is trained.
  public let step: Double
  /// A step that exchanges nothing.
  public let computing: Double
  /// A step that exchanges what it waits for, but no gradients.
  public let withoutOverlapped: Double
  /// The exchanges of gradients, which go on during a step, while nothing is computed.
  public let overlapped: Double
  /// What the rank sent in a step, in bytes without headers.
  public let bytesSent: Int
  /// What the forecast says that it sends.
  public let expectedBytesSent: Int
  /// What ranks can do, as measured: the speed of `computing`, and that of all-reduces.
  public let speed: RankSpeed
  /// What the forecast says of ranks that can do this.
  public let forecast: StepTiming

  /// The part of the overlapped exchanges' time by which they do not lengthen a step; nil where there are
  /// none. May lie outside of 0 to 1: times are measured.
  public var hiddenPart: Double? {
    overlapped > 0 ? 1 - (step - withoutOverlapped) / overlapped : nil
  }
}

extension Model {
  /// Times training steps as one of several ranks, on random images: whole ones, and what belongs to them.
  ///
  /// All ranks call this together, with the same arguments but their place.
  ///
  /// - Parameters:
  ///   - batch: images of a step, over all ranks.
  ///   - rank: this rank's place.
  ///   - step: the optimiser and what else belongs to a step.
  ///   - options: threads and switches.
  ///   - seconds: how long whole steps are timed, about; there are from 3 to 30 of them.
  /// - Throws: `ConvoyError` when batch or network cannot be divided so, the machine has too little memory,
  ///   or another rank does not take part any more.
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
    // The first step has cold caches and pages that were never touched.
    try trial.run()
    var bytesSent = 0
    let first = try rank.seconds { () throws(ConvoyError) in
      let before = trial.bytesSent
      try trial.run()
      bytesSent = trial.bytesSent - before
    }
    // All ranks must agree how often they do it.
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

/// A rank's step, ready to be run with some of its exchanges or all.
private struct StepTrial {
  /// The exchanges that go on while the step computes.
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

  /// Bytes sent so far, by whomever.
  var bytesSent: Int { communicators.values.reduce(0) { $0 + $1.bytesSent } }

  /// Runs the step, but for some exchanges.
  func run(without quiet: Set<ExchangePriority> = []) throws(ConvoyError) {
    for communicator in communicators.values { communicator.quiet = quiet }
    _ = try plan.run(named: inputs, variables: variables)
  }

  /// Makes the overlapped exchanges alone.
  func runOverlapped() {
    for communicator in communicators.values { communicator.quiet = [] }
    overlapped.runAtOnce(communicators)
  }
}

extension TrainingRank {
  /// Seconds from when all ranks begin something until all have done it.
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

  /// Waits until all ranks have come here.
  private func meet() throws(ConvoyError) {
    for axis in RankAxis.allCases { _ = try sum([0], along: axis) }
  }

  /// The mean of all ranks' numbers: the same on every rank.
  fileprivate func mean(_ number: Double) throws(ConvoyError) -> Double {
    var sums = [Float(number)]
    for axis in RankAxis.allCases { sums = try sum(sums, along: axis) }
    return Double(sums[0]) / Double(grid.count)
  }

  /// Latency and bandwidth, of all-reduces of one number and of many.
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
  /// Begins all, with memory of their own, and waits for them.
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
