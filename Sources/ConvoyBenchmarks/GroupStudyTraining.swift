public import ConvoyEngine
public import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTensors
public import ConvoyTraining

extension GroupStudy {
  /// Trains a network with the study's options, and times the result.
  ///
  /// The same network and seed give the same accuracy, with any number of threads.
  ///
  /// - Parameters:
  ///   - network: the network with this number of groups.
  ///   - groups: the number of groups, which is recorded.
  ///   - seed: the seed of the initial parameters, the order of images and their augmentation.
  ///   - splits: the training and the test images.
  ///   - progress: called after each step with the fraction of the training that is done.
  /// - Throws: `ConvoyError` when network and data do not fit each other, or the loss becomes NaN
  ///   or infinite.
  public func trained(
    _ network: Network, groups: Int, seed: UInt64, data splits: DataSplits,
    compileOptions: CompileOptions = CompileOptions(), progress: (Double) -> Void = { _ in }
  ) throws(ConvoyError) -> Run {
    var options = options
    options.seed = seed
    let trainer = try Trainer(
      network, data: splits, options: options, specification: model, dataName: data,
      compileOptions: compileOptions)
    let steps = Double(trainer.options.epochs * trainer.stepsPerEpoch)
    while !trainer.isFinished {
      let earlier = trainer.history.count * trainer.stepsPerEpoch
      _ = try trainer.runEpoch { step, _ in progress(Double(earlier + step) / steps) }
    }
    let cost = network.graph.cost
    return Run(
      groups: groups, seed: seed, accuracy: try trainer.evaluateTest().accuracy,
      parameters: cost.parameters, multiplyAdds: cost.multiplyAdds,
      trainingSeconds: trainer.history.reduce(0) { $0 + $1.seconds },
      forwardMilliseconds: try trainer.model().measured(options: compileOptions).milliseconds,
      threads: compileOptions.pool.threadCount)
  }
}
