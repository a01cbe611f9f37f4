public import ConvoyEngine
public import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// How fast a whole network runs, and where its time goes.
public struct ModelMeasurement: Hashable, Sendable {
  /// The shortest run.
  public var milliseconds: Double
  /// The run in the middle.
  public var medianMilliseconds: Double
  /// Simplifying the graph and making the plan.
  public var compileMilliseconds: Double
  /// The first run, with cold caches and untouched pages; it is in none of the other figures.
  public var firstMilliseconds: Double
  /// Bytes one run needs for activations.
  public var arenaBytes: Int
  /// Bytes of packed weights; of a training step, of all that it changes.
  public var weightBytes: Int
  /// Multiply-adds of a run.
  public var multiplyAdds: Int
  /// GFLOP/s that the threads could do at most.
  public var peak: Double
  /// What is computed, the slowest first.
  public var operators: [OperatorTime]

  /// Two operations a multiply-add, in the shortest run.
  public var gigaflopsPerSecond: Double { 2 * Double(multiplyAdds) / milliseconds * 1e-6 }
  /// Of what as many threads could do at most.
  public var percentOfPeak: Double { 100 * gigaflopsPerSecond / peak }

  /// The time of a node of the simplified graph, with all that was fused into it.
  public struct OperatorTime: Hashable, Sendable, Encodable {
    /// The node's name.
    public var name: String
    /// The kernel that does most of its work.
    public var kernel: String
    /// The shortest time.
    public var milliseconds: Double
    /// Multiply-adds; 0 for what is no convolution.
    public var multiplyAdds: Int
    /// Two operations a multiply-add, of what as many threads could do at most.
    public var percentOfPeak: Double
  }
}

extension Model {
  /// Compiles and times a network on random inputs, for a second but at least ten runs.
  ///
  /// If there is no other reference to the model, each parameter is freed once it is packed.
  ///
  /// - Parameters:
  ///   - batch: how many images a run takes at once.
  ///   - options: threads and switches.
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public consuming func measured(
    batch: Int = 1, options: CompileOptions = CompileOptions()
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
  /// Times a plan, for a second but at least ten runs.
  ///
  /// - Parameters:
  ///   - graph: what it was made from.
  ///   - variables: what the plan reads and changes, if it was compiled with such.
  ///   - threads: as many as run it.
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

  /// The steps' times summed by node.
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
