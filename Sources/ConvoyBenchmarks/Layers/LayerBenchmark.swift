public import ConvoyEngine
public import ConvoyGraphs
import ConvoyKernels
public import ConvoyTensors

/// The measured speed of a layer.
public struct LayerMeasurement: Hashable, Sendable, Codable {
  /// The layer's name.
  public var name: String
  /// The time of the fastest run.
  public var milliseconds: Double
  /// The median time.
  public var medianMilliseconds: Double
  /// GFLOP/s of the fastest run; a multiply-add counts as two operations.
  public var gigaflopsPerSecond: Double
  /// The fastest run, in percent of the peak of the same number of threads, measured in the same
  /// process.
  public var percentOfPeak: Double
  /// The kernel that takes most of the time.
  public var kernel: String
  /// Operations for each byte of input, weights and output.
  public var intensity: Double
}

/// Times single layers.
///
/// The time is that of a layer inside a network: its kernels, and clearing halos. The conversion
/// between the user's tensors and planes, which a network does only at its ends, is not included.
/// In the forward direction weights are packed beforehand, as in a plan; in training they change in
/// every step, and packing them is included.
public struct LayerBenchmark: Sendable {
  /// The computation that is timed.
  public enum Direction: String, Sendable, CaseIterable {
    /// The layer.
    case forward
    /// The layer, and the gradients of its image and weights.
    case training
  }

  /// Images in a run.
  public var batch: Int
  /// The computation that is timed.
  public var direction: Direction
  /// The peak of the threads, in GFLOP/s.
  public let peak: Double

  private let options: CompileOptions

  /// Measures the peak.
  public init(batch: Int = 1, direction: Direction = .forward, options: CompileOptions) {
    self.batch = batch
    self.direction = direction
    self.options = options
    peak = PeakMeasurement.gigaflopsPerSecond() * Double(options.pool.threadCount)
  }

  /// The threads' bandwidth of copying, in GB/s: see `BandwidthMeasurement`.
  public func measuredBandwidth() -> Double {
    BandwidthMeasurement.gigabytesPerSecond(parts: options.pool.threadCount) { parts, copy in
      options.pool.run(chunks: parts) { part, _ in copy(part) }
    }
  }

  /// Times a layer, for a third of a second and at least seven runs.
  ///
  /// - Throws: `ConvoyError` when the layer's numbers do not describe a convolution.
  public func measure(_ layer: LayerShape) throws(ConvoyError) -> LayerMeasurement {
    try measure(layer.network(), name: layer.name)
  }

  /// Times a convolution of a network on its own, without its bias.
  ///
  /// - Parameters:
  ///   - node: a convolution or a transposed convolution.
  ///   - graph: the network with the node.
  /// - Throws: `ConvoyError` when the machine has too little memory.
  public func measure(_ node: Graph.Node, of graph: Graph) throws(ConvoyError) -> LayerMeasurement {
    let shapes = graph.shapes(of: node).inputs
    let network = try Network(input: Shape(shapes[0].dimensions.dropFirst())) { image in
      let weights = image.builder.parameter("weight", shapes[1], Parameter(.he))
      return image.builder.apply(
        node.operation, to: [image, weights], name: LayerShape.node)[0]
    }
    return try measure(network, name: node.name)
  }

  /// Times a network of one layer, whose node has the name `LayerShape.node`.
  func measure(_ network: Network, name: String) throws(ConvoyError) -> LayerMeasurement {
    let cost = network.graph.cost
    let forward = try network.graph.resized(batch: batch)
    let graph = direction == .forward ? forward : try LayerBenchmark.withGradients(forward)
    var random = Random(seed: 1)
    var tensors: [String: Tensor] = [:]
    for id in graph.inputs {
      tensors[graph[id].name] = Tensor(
        uniform: graph[id].shape, in: -1...1, using: &random)
    }
    let parameters = network.initialized(seed: 1).parameters
    let isTraining = direction == .training
    let plan =
      try isTraining
      ? graph.compiledWithVariables(options: options)
      : graph.compiled(parameters: parameters, options: options)
    let variables = isTraining ? try Variables(plan, parameters: parameters) : nil
    let counted = plan.steps.indices.filter { !plan.steps[$0].isReordering }

    let clock = ContinuousClock()
    let start = clock.now
    var runs: [Double] = []
    var shortest: [Double] = Array(repeating: .infinity, count: plan.steps.count)
    while runs.count < 7 || clock.now - start < .milliseconds(330) {
      let seconds = try plan.stepSeconds(named: tensors, variables: variables)
      runs.append(counted.reduce(0) { $0 + seconds[$1] })
      for index in seconds.indices { shortest[index] = min(shortest[index], seconds[index]) }
    }
    // The first run has cold caches, and causes page faults.
    runs = runs.dropFirst().sorted()
    let factor = direction == .forward ? 1 : 3
    let operations = 2 * Double(cost.multiplyAdds) * Double(batch * factor)
    let gigaflops = operations / runs[0] * 1e-9
    let slowest = counted.max { shortest[$0] < shortest[$1] }
    return LayerMeasurement(
      name: name, milliseconds: runs[0] * 1e3,
      medianMilliseconds: runs[runs.count / 2] * 1e3, gigaflopsPerSecond: gigaflops,
      percentOfPeak: 100 * gigaflops / peak,
      kernel: slowest.map { plan.steps[$0].kernel.name } ?? "",
      intensity: operations / Double(forward.cost.bytes * factor))
  }

  /// The layer, and the gradients of its image and weights for a given gradient of its output.
  private static func withGradients(_ graph: Graph) throws(ConvoyError) -> Graph {
    let builder = GraphBuilder(graph)
    let output = builder.value(graph.outputs[0].value)
    let seed = builder.input("gradient", output.shape)
    let wanted = (graph.inputs + graph.parameters).map(builder.value)
    for node in graph.nodes where node.name == LayerShape.node {
      let site = GradientSite(
        inputs: wanted, outputs: [output], outputGradients: [seed],
        isNeeded: wanted.map { _ in true })
      for (index, gradient) in node.operation.gradients(at: site).enumerated() {
        if let gradient { builder.output("gradient \(index)", gradient) }
      }
    }
    return try builder.finish()
  }
}

extension Plan.Step {
  /// Whether the step only converts between row-major tensors and planes.
  var isReordering: Bool { kernel is PlanesFromDense || kernel is DenseFromPlanes }
}
