public import ConvoyEngine
public import ConvoyGraphs
public import ConvoyTensors

extension Graph {
  /// The whole training step of a classifier as one graph: forward, loss, backward, update.
  ///
  /// Its inputs are the network's, `labels` [batch] (class indices, int32) and `rate` (a scalar); its outputs
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
  ///   - observePass: is called with what each pass did.
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
