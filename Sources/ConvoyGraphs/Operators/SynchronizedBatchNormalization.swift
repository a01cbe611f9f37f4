public import ConvoyTensors

// MARK: - SynchronizedBatchNormalization

/// Batch normalisation in training by the mean and variance of all ranks' images, as if they were one
/// batch.
///
/// Inputs and outputs: those of `BatchNormalizationTraining`; mean and variance are the same on every rank.
/// Each rank sends the mean and variance of its own images once.
public struct SynchronizedBatchNormalization: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "synchronizedBatchNormalization"
  /// The normalisation by the statistics.
  public var normalization: BatchNormalizationTraining
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int
  /// Images are divided along `data`.
  public var axis: RankAxis { .data }

  /// Describes a batch normalisation over ranks that have equally many images.
  public init(_ normalization: BatchNormalizationTraining, ranks: Int) {
    self.normalization = normalization
    self.ranks = ranks
  }

  /// The image's shape, and twice [C].
  ///
  /// - Throws: also when a channel has a single value on a rank.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expectRanks()
    return try normalization.outputShapes(for: inputs)
  }

  /// `SynchronizedBatchNormalizationGradient`; none for a loss on the statistics themselves.
  public func gradients(at site: GradientSite) -> [Value?] {
    guard let gradient = site.outputGradients[0] else { return [nil, nil, nil] }
    let operation = SynchronizedBatchNormalizationGradient(
      BatchNormalizationGradient(
        epsilon: normalization.epsilon, activation: normalization.activation),
      ranks: ranks)
    return gradient.builder.apply(
      operation,
      to: Array(site.inputs) + [site.outputs[1], site.outputs[2], gradient], outputCount: 3)
  }

  /// If all ranks have the same images, their joint statistics are those of each rank.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    normalization.reference(inputs, outputs: outputs)
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// Mean and variance of each channel: for so few numbers, gathering takes half the steps of a
  /// sum.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .gathering(count: 2 * inputs[0][1])
  }

  /// Each channel separately, over all of its pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    normalization.traits(inputs: inputs, outputs: outputs)
  }

  // MARK: Glyph

  /// `batch norm, 4 ranks`
  public var glyph: Glyph { Glyph("batch norm, \(ranks) ranks", .exchange) }
}

// MARK: - SynchronizedBatchNormalizationGradient

/// The gradient of `SynchronizedBatchNormalization`.
///
/// Inputs and outputs: those of `BatchNormalizationGradient`. The gradient of the image depends on
/// the sums over all ranks' images, for which each rank sends its own sums; the gradients of scale
/// and shift are the rank's own sums.
public struct SynchronizedBatchNormalizationGradient: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "synchronizedBatchNormalizationGradient"
  /// The gradient that is computed from the sums.
  public var gradient: BatchNormalizationGradient
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int
  /// Images are divided along `data`.
  public var axis: RankAxis { .data }

  /// Describes the gradient of a batch normalisation over ranks that have equally many images.
  public init(_ gradient: BatchNormalizationGradient, ranks: Int) {
    self.gradient = gradient
    self.ranks = ranks
  }

  /// The shapes of image, scale and shift.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expectRanks()
    return try gradient.outputShapes(for: inputs)
  }

  /// None: a batch normalisation in training is differentiated once only.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  /// If all ranks have the same images, the sums over all ranks, divided by the number of images,
  /// are those of each rank.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    gradient.reference(inputs, outputs: outputs)
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// Two sums for each channel: for so few numbers, gathering takes half the steps of a sum.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .gathering(count: 2 * inputs[0][1])
  }

  /// Each channel separately, over all of its pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    gradient.traits(inputs: inputs, outputs: outputs)
  }

  // MARK: Glyph

  /// `∂ batch norm, 4 ranks`
  public var glyph: Glyph { Glyph("∂ batch norm, \(ranks) ranks", .exchange) }
}

// MARK: - In place of a rank's own

extension Graph {
  /// A network in training form whose batch normalisations use the mean and variance of all ranks'
  /// images, as if they were one batch.
  ///
  /// - Parameter ranks: the number of ranks that images are divided evenly among.
  /// - Throws: errors of shape rules; none for a well-formed graph.
  public func synchronizingNormalizations(ranks: Int) throws(ConvoyError) -> Graph {
    guard ranks > 1 else { return self }
    return try rewritten { node, inputs, builder in
      guard let operation = node.operation as? BatchNormalizationTraining else { return nil }
      let made = builder.apply(
        SynchronizedBatchNormalization(operation, ranks: ranks), to: inputs, name: node.name,
        outputCount: 3)
      guard made.count == 3 else { return made }
      // The running variance is unbiased; its factor was computed for a rank's own images.
      let image = inputs[0].shape
      let count = Double(image.elementCount / image[1])
      let all = count * Double(ranks)
      let unbiased = (all / (all - 1)) / (count > 1 ? count / (count - 1) : 1)
      return [made[0], made[1], made[2].scaled(by: Float(unbiased))]
    }
  }
}
