public import ConvoyTensors

// MARK: - BatchNormalizationTraining

/// Batch normalisation in training: by the mean and variance of the batch itself.
///
/// Inputs: an image [B, C, …], scale [C] and shift [C]. Outputs: the normalised image, after an
/// activation if there is one, the mean [C] and the biased variance [C], that is, the mean of the
/// squared differences from the mean.
///
/// With its activation, a layer keeps one tensor for the backward half instead of three: the image,
/// from which the gradient recomputes the argument of the activation.
public struct BatchNormalizationTraining: Operator {
  /// See `Operator.name`.
  public static let name = "batchNormalizationTraining"
  /// The constant that is added to the variance.
  public var epsilon: Float
  /// The function that is applied to the normalised image, if any.
  public var activation: ScalarFunction?

  /// Describes a batch normalisation in training.
  public init(epsilon: Float, activation: ScalarFunction? = nil) {
    self.epsilon = epsilon
    self.activation = activation
  }

  /// The image's shape, and twice [C].
  ///
  /// - Throws: also when a channel has a single value, whose variance is meaningless.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 3...3)
    let image = inputs[0]
    try BatchNormalization.validate(
      epsilon: epsilon, image: image, perChannel: [("scale", inputs[1]), ("shift", inputs[2])])
    guard image.elementCount > image[1] else {
      throw ConvoyError(
        .shape, "expected more than 1 value per channel in training, got an image of shape \(image)"
      )
    }
    return [image, [image[1]], [image[1]]]
  }

  /// A separate operator for the normalised image; the contribution of the statistics, which only a
  /// loss on the statistics themselves has, is added to the image's gradient.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (image, scale, shift) = (site.inputs[0], site.inputs[1], site.inputs[2])
    let (mean, variance) = (site.outputs[1], site.outputs[2])
    let (rank, builder) = (image.shape.rank, image.builder)
    var result: [Value?] = [nil, nil, nil]
    if let gradient = site.outputGradients[0] {
      result = builder.apply(
        BatchNormalizationGradient(epsilon: epsilon, activation: activation),
        to: [image, scale, shift, mean, variance, gradient], outputCount: 3)
    }
    guard site.isNeeded[0] else { return result }
    let inverseCount = Float(image.shape[1]) / Float(image.shape.elementCount)
    if let toMean = site.outputGradients[1] {
      let share = toMean.scaled(by: inverseCount).broadcastingOverChannels(ofRank: rank)
      result[0] = result[0].map { $0 + share } ?? share.repeated(to: image.shape)
    }
    if let toVariance = site.outputGradients[2] {
      let distance = image - mean.broadcastingOverChannels(ofRank: rank)
      let slope = toVariance.scaled(by: 2 * inverseCount)
      let share = distance * slope.broadcastingOverChannels(ofRank: rank)
      result[0] = result[0].map { $0 + share } ?? share
    }
    return result
  }

  /// Three loops: mean, variance, result.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, scale, shift) = (inputs[0], inputs[1].elements, inputs[2].elements)
    let count = Double(image.shape.elementCount / image.shape[1])
    var result = ReferenceTensor(outputs[0])
    var mean = ReferenceTensor(outputs[1])
    var variance = ReferenceTensor(outputs[2])
    for position in image.shape.indices {
      mean.elements[position[1]] += image[position] / count
    }
    for position in image.shape.indices {
      let distance = image[position] - mean.elements[position[1]]
      variance.elements[position[1]] += distance * distance / count
    }
    for position in image.shape.indices {
      let c = position[1]
      let deviation = (variance.elements[c] + Double(epsilon)).squareRoot()
      let normal = (image[position] - mean.elements[c]) / deviation * scale[c] + shift[c]
      result[position] = activation?(normal) ?? normal
    }
    return [result, mean, variance]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each channel separately, over all of its pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: .byVector, pixels: .mixed, groups: nil, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `batch norm`.
  public var glyph: Glyph { Glyph("batch norm", .normalization) }
}

// MARK: - BatchNormalizationGradient

/// The gradient of `BatchNormalizationTraining`, including the gradient through the statistics.
///
/// Inputs: the image [B, C, …], scale, shift, mean and variance [C], and the gradient of the
/// output. Outputs: the gradients of image, scale and shift. Let n be the number of values of a
/// channel, x̂ the normalised image before scale and shift, and g its gradient, which is the
/// gradient of the output times f′(x̂·scale + shift) if there is an activation f. The gradients are
/// scale ∕ √(variance + ε) · (g − Σg∕n − x̂·Σgx̂∕n), Σgx̂ and Σg.
public struct BatchNormalizationGradient: Operator {
  /// See `Operator.name`.
  public static let name = "batchNormalizationGradient"
  /// The constant that is added to the variance.
  public var epsilon: Float
  /// The function that was applied to the normalised image, if any.
  public var activation: ScalarFunction?

  /// Describes the gradient of a batch normalisation.
  public init(epsilon: Float, activation: ScalarFunction? = nil) {
    self.epsilon = epsilon
    self.activation = activation
  }

  /// The shapes of image, scale and shift.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 6...6)
    let (image, gradient) = (inputs[0], inputs[5])
    try BatchNormalization.validate(
      epsilon: epsilon, image: image,
      perChannel: [
        ("scale", inputs[1]), ("shift", inputs[2]), ("mean", inputs[3]), ("variance", inputs[4]),
      ])
    guard gradient == image else {
      throw ConvoyError(.shape, "expected a gradient of shape \(image), got \(gradient)")
    }
    return [image, inputs[1], inputs[1]]
  }

  /// None: a batch normalisation in training is differentiated once only.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  /// Two loops: the sums, then the image's gradient.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, scale, shift) = (inputs[0], inputs[1].elements, inputs[2].elements)
    let (mean, variance) = (inputs[3].elements, inputs[4].elements)
    let count = Double(image.shape.elementCount / image.shape[1])
    let inverse = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
    func normal(_ position: [Int]) -> Double {
      (image[position] - mean[position[1]]) * inverse[position[1]]
    }
    var gradient = inputs[5]
    if let activation {
      for position in image.shape.indices {
        let c = position[1]
        gradient[position] *= activation.derivative(normal(position) * scale[c] + shift[c])
      }
    }
    var toImage = ReferenceTensor(outputs[0])
    var toScale = ReferenceTensor(outputs[1])
    var toShift = ReferenceTensor(outputs[2])
    for position in image.shape.indices {
      toScale.elements[position[1]] += gradient[position] * normal(position)
      toShift.elements[position[1]] += gradient[position]
    }
    for position in image.shape.indices {
      let c = position[1]
      let through = toShift.elements[c] + normal(position) * toScale.elements[c]
      toImage[position] = scale[c] * inverse[c] * (gradient[position] - through / count)
    }
    return [toImage, toScale, toShift]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each channel separately, over all of its pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: .byVector, pixels: .mixed, groups: nil, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `∂ batch norm`.
  public var glyph: Glyph { Glyph("∂ batch norm", .normalization) }
}
