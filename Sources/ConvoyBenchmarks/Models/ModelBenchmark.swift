public import ConvoyEngine
public import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// The measured speed of a network, and the times of its operators.
public struct ModelMeasurement: Hashable, Sendable {
  /// The time of the fastest run.
  public var milliseconds: Double
  /// The median time.
  public var medianMilliseconds: Double
  /// The time to simplify the graph and compile the plan.
  public var compileMilliseconds: Double
  /// The time of the first run, with cold caches and page faults; the other figures do not include
  /// it.
  public var firstMilliseconds: Double
  /// Bytes of activations in a run.
  public var arenaBytes: Int
  /// Bytes of packed weights; of a training step, of all variables.
  public var weightBytes: Int
  /// Multiply-adds of a run.
  public var multiplyAdds: Int
  /// The peak of the threads, in GFLOP/s.
  public var peak: Double
  /// The operators, the slowest first.
  public var operators: [OperatorTime]

  /// GFLOP/s of the fastest run; a multiply-add counts as two operations.
  public var gigaflopsPerSecond: Double { 2 * Double(multiplyAdds) / milliseconds * 1e-6 }
  /// The fastest run, in percent of the peak.
  public var percentOfPeak: Double { 100 * gigaflopsPerSecond / peak }

  /// The time of a node of the simplified graph, with everything that was fused into it.
  public struct OperatorTime: Hashable, Sendable, Encodable {
    /// The node's name.
    public var name: String
    /// The kernel that takes most of its time.
    public var kernel: String
    /// The shortest time.
    public var milliseconds: Double
    /// Multiply-adds; 0 for operators other than layers.
    public var multiplyAdds: Int
    /// The speed, in percent of the threads' peak.
    public var percentOfPeak: Double
  }
}

extension Model {
  /// Compiles a network and times it on random inputs, for a second and at least ten runs.
  ///
  /// If there is no other reference to the model, each parameter is freed after it is packed.
  ///
  /// - Parameters:
  ///   - batch: images in a run; those of the graph by default.
  ///   - options: the threads and settings.
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public consuming func measured(
    batch: Int? = nil, options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> ModelMeasurement {
    let clock = ContinuousClock()
    let start = clock.now
    var compilation = Compilation(graph, parameters: parameters, options: options)
    _ = consume self
    compilation.batch = batch
    let plan = try compilation.plan(through: [.simplify, .size, .compile])
    let graph = compilation.graph
    let compile = (clock.now - start) / .milliseconds(1)
    var random = Random(seed: 1)
    var inputs: [String: Tensor] = [:]
    for id in graph.inputs {
      let info = graph[id]
      inputs[info.name] = Tensor(uniform: info.shape, in: -1...1, using: &random)
        .converted(to: info.type)
    }
    return try ModelMeasurement(
      of: plan, graph, inputs: inputs, compileMilliseconds: compile,
      threads: options.pool.threadCount)
  }
}

extension ModelMeasurement {
  /// Times a plan, for a second and at least ten runs.
  ///
  /// - Parameters:
  ///   - graph: the graph that the plan was compiled from.
  ///   - variables: the variables, if the plan was compiled with any.
  ///   - threads: the number of threads that run it.
  init(
    of plan: Plan, _ graph: Graph, inputs: [String: Tensor], variables: Variables? = nil,
    compileMilliseconds: Double, threads: Int
  ) throws(ConvoyError) {
    let clock = ContinuousClock()
    var runs: [Double] = []
    let begin = clock.now
    while runs.count < 11 || clock.now - begin < .seconds(1) {
      let before = clock.now
      _ = try plan.run(named: inputs, variables: variables)
      runs.append((clock.now - before) / .milliseconds(1))
    }
    firstMilliseconds = runs.removeFirst()
    runs.sort()
    milliseconds = runs[0]
    medianMilliseconds = runs[runs.count / 2]
    self.compileMilliseconds = compileMilliseconds
    arenaBytes = plan.arenaBytes
    weightBytes = plan.weightBytes + (variables == nil ? 0 : plan.stateByteCount)
    multiplyAdds = graph.cost.multiplyAdds
    peak = PeakMeasurement.gigaflopsPerSecond() * Double(threads)
    operators = Self.operatorTimes(
      try plan.profile(named: inputs, variables: variables, runs: 10), graph.layerCosts(),
      peak: peak)
  }

  /// The times of steps, summed for each node.
  private static func operatorTimes(
    _ steps: [StepTime], _ layers: [LayerCost], peak: Double
  ) -> [OperatorTime] {
    let costs = Dictionary(layers.map { ($0.name, $0.cost.multiplyAdds) }) { first, _ in first }
    let nodes = Dictionary(grouping: steps, by: \.node)
    return nodes.map { name, steps in
      let milliseconds = steps.reduce(0) { $0 + $1.seconds } * 1e3
      let multiplyAdds = costs[name] ?? 0
      let kernel = steps.max { $0.seconds < $1.seconds }?.kernel ?? ""
      return OperatorTime(
        name: name, kernel: kernel, milliseconds: milliseconds, multiplyAdds: multiplyAdds,
        percentOfPeak: 100 * 2e-6 * Double(multiplyAdds) / milliseconds / peak)
    }.sorted { ($0.milliseconds, $1.name) > ($1.milliseconds, $0.name) }
  }
}
