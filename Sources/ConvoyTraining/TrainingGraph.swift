public import ConvoyEngine
public import ConvoyGraphs
public import ConvoyTensors

extension Graph {
  /// The training step of a classifier as one graph: forward, loss, backward, update.
  ///
  /// Its inputs are the network's, `labels` [batch] (class indices, int32) and `rate` (a scalar);
  /// its outputs are `loss` (the batch's mean cross-entropy) and `scores` [batch, classes]. Its
  /// parameters are the network's, the optimiser's state for each, and `training.step`.
  ///
  /// - Parameters:
  ///   - batch: images in a step.
  ///   - options: the options of a step.
  ///   - recomputing: whether the backward pass recomputes the results of batch norms instead of
  ///     keeping them: less memory, a little more time, the same numbers.
  ///   - rank: the rank that runs the step, if there are several: the batch is then its share.
  ///   - partition: the division of this network's channels; nil if they are not divided.
  ///   - observePass: called after each pass with its changes.
  /// - Throws: `ConvoyError` when the network's output is not a single value of scores by class, an
  ///   operator cannot be trained, or the batch cannot be divided into `options.accumulation`
  ///   parts.
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
