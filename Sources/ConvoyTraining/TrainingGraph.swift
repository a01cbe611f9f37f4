public import ConvoyEngine
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
  /// Into how many parts a step's images are cut. The network goes over one after the other and adds up
  /// their gradients: a step of all images, but for batch norms, which see a part's, in the memory of a
  /// part.
  public var accumulation: Int

  /// Describes a step.
  public init(
    optimizer: Optimizer = .sgd(), weightDecay: Float = 0, labelSmoothing: Float = 0,
    gradientClip: Float? = nil, accumulation: Int = 1
  ) {
    self.optimizer = optimizer
    self.weightDecay = weightDecay
    self.labelSmoothing = labelSmoothing
    self.gradientClip = gradientClip
    self.accumulation = accumulation
  }

  /// Reads what `encode(to:)` wrote, also where `accumulation` was not known yet.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      optimizer: try values.decode(Optimizer.self, forKey: .optimizer),
      weightDecay: try values.decode(Float.self, forKey: .weightDecay),
      labelSmoothing: try values.decode(Float.self, forKey: .labelSmoothing),
      gradientClip: try values.decodeIfPresent(Float.self, forKey: .gradientClip),
      accumulation: try values.decodeIfPresent(Int.self, forKey: .accumulation) ?? 1)
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
  ///   - rank: the place of the rank that runs the step, if there are several: the batch is then the
  ///     rank's share.
  ///   - partition: how this network's channels are divided, if they are.
  ///   - observePass: is told what each pass did.
  /// - Throws: `ConvoyError` when the network has not one output of scores by class, an operator of it
  ///   cannot be trained, or the batch cannot be cut into the parts that `options` says.
  public func trainingStep(
    batch: Int, _ options: StepOptions, recomputing: Bool = false, rank: TrainingRank? = nil,
    partition: Partition? = nil, observePass: (@Sendable (PassRecord) -> Void)? = nil
  ) throws(ConvoyError) -> Graph {
    let dataRanks = rank?.grid.data ?? 1
    guard outputs.count == 1 else {
      throw ConvoyError(
        .graph, "A network is trained by its one output of scores; this has \(outputs.count).")
    }
    guard options.accumulation >= 1, batch % options.accumulation == 0 else {
      throw ConvoyError(
        .argument,
        "\(batch) images \(dataRanks > 1 ? "of a rank " : "")cannot be cut into "
          + "\(options.accumulation) even parts.")
    }
    var request = StepRequest(
      StepRest(batch: batch, options: options, rank: rank, partition: partition))
    request.partition = partition
    request.groupRank = rank?.groupRank ?? 0
    request.normalizationRanks = rank?.synchronizesNormalization == true ? dataRanks : 1
    request.recomputesNormalizations = recomputing
    var compilation = Compilation(self, parameters: nil, observe: observePass)
    compilation.step = request
    compilation.batch = batch / options.accumulation
    try compilation.apply([.distribute, .size, .train])
    return compilation.graph
  }
}

extension Graph.ValueInfo {
  /// Whether training changes it by its gradient.
  var isTrainable: Bool {
    if case .parameter(let parameter) = origin { parameter.isTrainable } else { false }
  }
}
