public import ConvoyEngine
public import ConvoyFormats
public import ConvoyGraphs
public import ConvoyTraining

extension GroupStudy {
  /// Trains a network as the study says, and times what was learnt.
  ///
  /// The same network and seed give the same accuracy, on any number of threads.
  ///
  /// - Parameters:
  ///   - network: the network with so many groups.
  ///   - groups: the number of groups, to be noted.
  ///   - seed: what its initial parameters, the order of images and their augmentation derive from.
  ///   - splits: what to learn from, and what to be examined on.
  ///   - progress: called after each step with the part of the training that is done, from 0 to 1.
  /// - Throws: `ConvoyError` when network and data do not fit each other, or the loss is no number any
  ///   more.
  public func trained(
    _ network: Network, groups: Int, seed: UInt64, data splits: DataSplits,
    compileOptions: CompileOptions = CompileOptions(), progress: (Double) -> Void = { _ in }
  ) throws -> Run {
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
