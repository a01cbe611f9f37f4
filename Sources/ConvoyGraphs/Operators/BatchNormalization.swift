public import ConvoyTensors

// MARK: Attributes

/// Batch normalisation outside training: by the running mean and variance of each channel.
///
/// Inputs: an image [B, C, …], and scale, shift, running mean and running variance, each [C].
/// Output: (image − mean) ∕ √(variance + ε) · scale + shift. Its training form is
/// `BatchNormalizationTraining`, which normalises by the batch's own statistics.
///
/// Source: Ioffe and Szegedy, "Batch Normalization", 2015.
public struct BatchNormalization: ChannelAffineOperator {
  /// See `Operator.name`.
  public static let name = "batchNormalization"
  /// The constant that is added to the variance.
  public var epsilon: Float
  /// The weight of the batch's statistics in the new running statistics, from 0 to 1.
  public var momentum: Float

  /// Describes a batch normalisation.
  public init(epsilon: Float, momentum: Float) {
    self.epsilon = epsilon
    self.momentum = momentum
  }

  // MARK: Shape

  /// The image's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 5...5)
    try BatchNormalization.validate(
      epsilon: epsilon, image: inputs[0],
      perChannel: [
        ("scale", inputs[1]), ("shift", inputs[2]), ("mean", inputs[3]), ("variance", inputs[4]),
      ])
    guard (0...1).contains(momentum) else {
      throw ConvoyError(.attribute, "expected a momentum from 0 to 1, got \(momentum)")
    }
    return [inputs[0]]
  }

  static func validate(
    epsilon: Float, image: Shape, perChannel: [(name: String, shape: Shape)]
  ) throws(ConvoyError) {
    guard epsilon >= 0, epsilon.isFinite else {
      throw ConvoyError(.attribute, "expected an epsilon of at least 0, got \(epsilon)")
    }
    guard (2...5).contains(image.rank) else {
      throw ConvoyError(
        .shape,
        "expected an image of shape batch×channels×extents, with at most 3 extents, got \(image)")
    }
    for (name, shape) in perChannel where shape.dimensions != [image[1]] {
      throw ConvoyError(
        .shape,
        "expected a \(name) of shape \(image[1]), one number a channel, got \(shape)")
    }
  }

  // MARK: Gradient

  /// The gradient of an affine function of each channel, with respect to all five inputs.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (image, scale, mean, variance) =
      (site.inputs[0], site.inputs[1], site.inputs[3], site.inputs[4])
    let gradient = site.outputGradient
    let rank = image.shape.rank
    let inverse = variance.scaled(by: 1, offset: epsilon).squareRoot().applying(.reciprocal)
    func sum() -> Value { gradient.sumOverAllButChannels() }
    func centredSum() -> Value {
      (gradient * (image - mean.broadcastingOverChannels(ofRank: rank))).sumOverAllButChannels()
    }
    return [
      site.isNeeded[0]
        ? gradient * (scale * inverse).broadcastingOverChannels(ofRank: rank) : nil,
      site.isNeeded[1] ? centredSum() * inverse : nil,
      site.isNeeded[2] ? sum() : nil,
      site.isNeeded[3] ? -(sum() * scale * inverse) : nil,
      site.isNeeded[4]
        ? (centredSum() * scale * inverse * inverse * inverse).scaled(by: -0.5) : nil,
    ]
  }

  // MARK: Training form

  /// Normalises by the batch's statistics, and updates the running ones.
  ///
  /// The running variance is updated by the unbiased one, n ∕ (n − 1) times the batch's, as in
  /// PyTorch. Statistics that are not parameters, such as an imported graph's constants, are not
  /// updated.
  public func trainingForm(of inputs: [Value], in builder: GraphBuilder) -> [Value]? {
    guard builder.failure == nil else { return nil }
    let image = inputs[0]
    let made = builder.apply(
      BatchNormalizationTraining(epsilon: epsilon), to: Array(inputs[..<3]), name: "training",
      outputCount: 3)
    guard builder.failure == nil else { return [image] }
    let count = image.shape.elementCount / image.shape[1]
    let unbiased = Float(count) / Float(count - 1)
    for (running, batch, factor) in [(inputs[3], made[1], 1), (inputs[4], made[2], unbiased)] {
      guard case .parameter = builder.graph[running.id].origin else { continue }
      let moved = running.scaled(by: 1 - momentum) + batch.scaled(by: momentum * factor)
      builder.update(running, to: moved)
    }
    return [made[0]]
  }

  // MARK: Reference

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let image = inputs[0]
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      let c = position[1]
      let (scale, shift) = (inputs[1].elements[c], inputs[2].elements[c])
      let (mean, variance) = (inputs[3].elements[c], inputs[4].elements[c])
      let normal = (image[position] - mean) / (variance + Double(epsilon)).squareRoot()
      result[position] = normal * scale + shift
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .channelAffine(self) }

  /// (image − mean) · f + shift, with f = scale ∕ √(variance + ε).
  public func channelAffine(numbers: [Tensor?], shapes: [Shape]) -> ChannelAffine? {
    let statistics = numbers.dropFirst().compactMap { $0?.elements }
    guard statistics.count == 4 else { return nil }
    let factors = zip(statistics[0], statistics[3]).map { scale, variance in
      Double(scale) / (Double(variance) + Double(epsilon)).squareRoot()
    }
    let shifts = factors.indices.map {
      Double(statistics[1][$0]) - Double(statistics[2][$0]) * factors[$0]
    }
    return ChannelAffine(image: 0, factors: factors, shifts: shifts, alwaysHasShift: true)
  }

  /// Each channel with its own numbers.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: .byVector, pixels: .alike, groups: nil, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `batch norm`.
  public var glyph: Glyph { Glyph("batch norm", .normalization, abbreviation: "BN") }
}

// MARK: Building

extension Value {
  /// Batch normalisation with its own parameters.
  ///
  /// - Parameters:
  ///   - epsilon: the constant that is added to the variance.
  ///   - momentum: the weight of the batch's statistics in the new running statistics.
  ///   - name: the layer's name; its parameters are `name.weight`, initially 1, `name.bias`,
  ///     initially 0, and, not trained, `name.running_mean`, initially 0, and `name.running_var`,
  ///     initially 1.
  public func batchNormalization(
    epsilon: Float = 1e-5, momentum: Float = 0.1, name: String? = nil
  ) -> Value {
    layer(name, kind: BatchNormalization.name) { name throws(ConvoyError) in
      try BatchNormalization.validate(epsilon: epsilon, image: shape, perChannel: [])
      let statistics = [
        ("weight", 1, true), ("bias", 0, true), ("running_mean", 0, false),
        ("running_var", 1, false),
      ].map { (suffix: String, start: Float, isTrainable: Bool) in
        builder.parameter(
          "\(name).\(suffix)", [shape[1]],
          Parameter(.constant(start), isTrainable: isTrainable))
      }
      return applying(
        BatchNormalization(epsilon: epsilon, momentum: momentum), statistics, name: name)
    }
  }

  /// [C] as [C, 1, …], which broadcasts over the channels of an image [B, C, …].
  func broadcastingOverChannels(ofRank rank: Int) -> Value {
    reshaped(to: Shape([shape.elementCount] + Array(repeating: 1, count: max(rank - 2, 0))))
  }
}
