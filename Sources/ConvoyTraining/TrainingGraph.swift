public import ConvoyGraphs
public import ConvoyTensors

/// What belongs to a training step besides the network.
public struct StepOptions: Hashable, Sendable, Codable {
  /// How parameters follow their gradients.
  public var optimizer: Optimizer
  /// How much of a weight is taken off at each step, relative to the learning rate. Biases and
  /// normalisation's scale and shift, that is parameters of one dimension, are left alone.
  public var weightDecay: Float
  /// The part of each label that is spread over all classes.
  public var labelSmoothing: Float
  /// The largest norm of all gradients together; longer ones are shortened to it. Nil for none.
  public var gradientClip: Float?

  /// Describes a step.
  public init(
    optimizer: Optimizer = .sgd(), weightDecay: Float = 0, labelSmoothing: Float = 0,
    gradientClip: Float? = nil
  ) {
    self.optimizer = optimizer
    self.weightDecay = weightDecay
    self.labelSmoothing = labelSmoothing
    self.gradientClip = gradientClip
  }
}

extension Graph {
  /// The whole training step of a classifier as one graph: forward, loss, backward, update.
  ///
  /// Its inputs are the network's, `labels` [batch] (class indices) and `rate` (a scalar); its outputs
  /// `loss` (the batch's mean cross-entropy) and `scores` [batch, classes]. Its parameters are the
  /// network's, the optimiser's memory of each, and `training.step`.
  ///
  /// - Parameters:
  ///   - batch: how many images a step sees.
  ///   - options: what else belongs to a step.
  ///   - recomputing: whether the results of batch norms are computed again for the backward half, rather
  ///     than kept: less memory, a little more time, the same numbers.
  ///   - rank: the place of the rank that runs the step, if there are several: `self` is then the
  ///     rank's graph of a `Partition` where channels are divided, and the batch the rank's share.
  /// - Throws: `ConvoyError` when the network has not one output of scores by class, or an operator of
  ///   it cannot be trained.
  public func trainingStep(
    batch: Int, _ options: StepOptions, recomputing: Bool = false, rank: TrainingRank? = nil
  ) throws(ConvoyError) -> Graph {
    let dataRanks = rank?.grid.data ?? 1
    if let rank, rank.grid.groups > 1, options.gradientClip != nil {
      throw ConvoyError(
        .argument,
        "Gradients can be clipped where every rank has all of them, not where channels are divided "
          + "over \(rank.grid.groups) ranks.")
    }
    let forward = try resized(batch: batch).inTrainingForm()
      .drawingMasks(ofRank: rank?.dataRank ?? 0)
      .fusingNormalizationsWithActivations()
      .synchronizingNormalizations(ranks: rank?.synchronizesNormalization == true ? dataRanks : 1)
    guard forward.outputs.count == 1 else {
      throw ConvoyError(
        .graph, "A network is trained by its one output of scores; this has \(outputs.count).")
    }
    let builder = GraphBuilder(forward.withoutOutputs())
    var scores = builder.value(forward.outputs[0].value)
    guard scores.shape.rank >= 2,
      scores.shape.dimensions.dropFirst(2).allSatisfy({ $0 == 1 })
    else {
      throw ConvoyError(
        .shape,
        "A classifier's scores have the shape batch×classes; this network's have \(scores.shape).")
    }
    if scores.shape.rank > 2 { scores = scores.flattened() }
    let labels = builder.input("labels", [batch])
    let rate = builder.input("rate", [])
    let loss = scores.crossEntropy(with: labels, labelSmoothing: options.labelSmoothing)
    let forwardCount = builder.graph.nodes.count
    let parameters = forward.parameters.filter { forward[$0].isTrainable }.map(builder.value)
    let own = builder.scope("backward") {
      builder.gradients(of: loss, withRespectTo: parameters)
    }
    let means = builder.scope("exchange") {
      builder.means(
        of: [loss] + own, along: .data, ranks: dataRanks, bucketBytes: rank?.bucketBytes ?? 0)
    }
    let gradients = Array(means.dropFirst())
    builder.output("loss", means[0])
    builder.output("scores", scores)
    let step = builder.trainingStep()
    let nextStep = step.scaled(by: 1, offset: 1)
    builder.update(step, to: nextStep)
    let clipped = builder.scope("clip") { clip(gradients, to: options.gradientClip) }
    // In the order in which ranks' gradients come in.
    let updates = zip(parameters, clipped).sorted { $0.1.id.index < $1.1.id.index }
    for (parameter, gradient) in updates {
      options.optimizer.update(
        parameter, gradient: gradient, rate: rate, step: nextStep,
        decay: parameter.shape.rank > 1 ? options.weightDecay : 0)
    }
    var whole = try builder.finish()
    if recomputing { whole = try whole.recomputingNormalizations(afterFirst: forwardCount) }
    return try whole.joiningSliceGradients().overlappingExchanges()
  }

  /// Shortens gradients whose common norm exceeds a length.
  private func clip(_ gradients: [Value], to length: Float?) -> [Value] {
    guard let length, let first = gradients.first else { return gradients }
    let squares = gradients.map { $0.applying(.square).sum() }
    let norm = squares.dropFirst().reduce(squares[0], +).squareRoot()
    let builder = first.builder
    let factor = (builder.scalar(length) / norm.scaled(by: 1, offset: 1e-6))
      .minimum(builder.scalar(1))
    return gradients.map { $0 * factor }
  }
}

extension Graph.ValueInfo {
  /// Whether training changes it by its gradient.
  var isTrainable: Bool {
    if case .parameter(let parameter) = origin { parameter.isTrainable } else { false }
  }
}
