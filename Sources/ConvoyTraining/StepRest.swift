import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors

/// The parts of a training step after the forward pass: loss, gradients, exchanges and updates.
struct StepRest: StepAppending {
  /// Images in a step.
  let batch: Int
  let options: StepOptions
  let rank: TrainingRank?
  let partition: Partition?

  /// Appends the parts to a network in training form, which is that of a part of the images.
  func appended(
    to forward: Graph
  ) throws(ConvoyError) -> (graph: Graph, forwardNodes: [Range<Int>]) {
    let dataRanks = rank?.grid.data ?? 1
    let builder = GraphBuilder()
    let passes = try TrainingPasses(
      of: forward, images: batch, options, firstPart: (rank?.dataRank ?? 0) * options.accumulation,
      in: builder)
    let rate = builder.input("rate", [])
    let means = builder.scope("exchange") {
      builder.means(
        of: [passes.loss] + passes.gradients, along: .data, ranks: dataRanks,
        bucketBytes: rank?.bucketBytes ?? 0)
    }
    let (parameters, gradients) = (passes.parameters, Array(means.dropFirst()))
    builder.output("loss", means[0])
    builder.output("scores", passes.scores)
    let step = builder.trainingStep()
    let nextStep = step + builder.constant(Tensor(scalar: 1 as Int64), name: "one")
    builder.update(step, to: nextStep)
    let divided = parameters.map { partition?.divided[$0.name] != nil }
    let clipped = builder.scope("clip") {
      clip(
        gradients, to: options.gradientClip, divided: divided, ranks: rank?.grid.groups ?? 1)
    }
    // In the order in which ranks' gradients arrive.
    let updates = zip(parameters, clipped).sorted { $0.1.id.index < $1.1.id.index }
    for (parameter, gradient) in updates {
      options.optimizer.update(
        parameter, gradient: gradient, rate: rate, step: nextStep,
        decay: parameter.shape.rank > 1 ? options.weightDecay : 0)
    }
    return (try builder.finish(), passes.forwardNodes)
  }

  /// Scales gradients whose common norm exceeds a limit.
  ///
  /// - Parameters:
  ///   - divided: those of which each rank has only a share.
  ///   - ranks: the number of ranks that have shares.
  private func clip(
    _ gradients: [Value], to length: Float?, divided: [Bool], ranks: Int
  ) -> [Value] {
    guard let length, let first = gradients.first else { return gradients }
    let squares = zip(gradients.map { $0.applying(.square).sum() }, divided)
    func sum(ofDivided isDivided: Bool) -> Value? {
      let terms = squares.filter { $0.1 == isDivided }.map(\.0)
      return terms.first.map { terms.dropFirst().reduce($0, +) }
    }
    let shares = sum(ofDivided: true)?.applying(AllReduce(.groups, ranks: ranks))
    let sums = [sum(ofDivided: false), shares].compactMap { $0 }
    let norm = sums.dropFirst().reduce(sums[0], +).squareRoot()
    let builder = first.builder
    let factor = (builder.scalar(length) / norm.scaled(by: 1, offset: 1e-6))
      .minimum(builder.scalar(1))
    return gradients.map { $0 * factor }
  }
}
