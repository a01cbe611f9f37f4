public import ConvoyEngine
public import ConvoyGraphs
public import ConvoyTensors
public import ConvoyTraining

extension Model {
  /// Compiles training steps and times them on random images and labels, for a second and at least
  /// ten steps.
  ///
  /// A step is that of `Trainer`: forward, cross-entropy, backward and update.
  ///
  /// - Parameters:
  ///   - batch: images in a step.
  ///   - step: the optimiser and the other options of a step.
  ///   - options: the threads and settings.
  /// - Throws: `ConvoyError` when the network cannot be trained as a classifier, or the machine has too
  ///   little memory.
  public func measuredTraining(
    batch: Int, step: StepOptions = StepOptions(optimizer: .sgd(momentum: 0.9), weightDecay: 1e-4),
    options: CompileOptions = CompileOptions()
  ) throws(ConvoyError) -> ModelMeasurement {
    let clock = ContinuousClock()
    let start = clock.now
    let graph = try graph.trainingStep(
      batch: batch, step, recomputing: options.recomputesActivations)
    let plan = try graph.compiledWithVariables(options: options)
    let compile = (clock.now - start) / .milliseconds(1)
    let variables = try Variables(
      plan, parameters: graph.initialParameters(beginningWith: parameters, seed: 1))
    return try ModelMeasurement(
      of: plan, graph, inputs: graph.randomStepInputs(), variables: variables,
      compileMilliseconds: compile,
      threads: options.pool.threadCount)
  }
}

extension Graph {
  /// Random images and labels for a training step, and a small learning rate.
  func randomStepInputs() throws(ConvoyError) -> [String: Tensor] {
    let classes = outputs.first { $0.name == "scores" }.map { self[$0.value].shape[1] }
    var random = Random(seed: 1)
    var tensors: [String: Tensor] = [:]
    for id in inputs {
      let info = self[id]
      tensors[info.name] =
        switch info.name {
        case "labels":
          try Tensor(
            info.shape,
            elements: (0..<info.shape.elementCount).map { _ in Int32(random.below(classes ?? 1)) })
        case "rate": Tensor(info.shape, repeating: 1e-4)
        default:
          Tensor(uniform: info.shape, in: -1...1, using: &random).converted(to: info.type)
        }
    }
    return tensors
  }
}
