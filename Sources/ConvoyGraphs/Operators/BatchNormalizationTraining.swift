public import ConvoyTensors

// MARK: - BatchNormalizationTraining

/// Batch normalisation as it is trained: by the mean and variance of the batch itself.
///
/// Inputs: an image [B, C, …], scale [C] and shift [C]. Outputs: the normalised image, the mean [C]
/// and the biased variance [C], that is, the mean square distance from the mean.
public struct BatchNormalizationTraining: Operator {
  /// See `Operator.name`.
  public static let name = "batchNormalizationTraining"
  /// What is added to the variance.
  public var epsilon: Float

  /// Describes a batch normalisation in training.
  public init(epsilon: Float) { self.epsilon = epsilon }

  /// The image's shape, and twice [C].
  ///
  /// - Throws: also when a channel has a single value, whose variance says nothing.
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

  /// An operator of its own for the normalised image; the statistics' share, which only a loss on
  /// the statistics themselves has, is added to the image's.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (image, scale) = (site.inputs[0], site.inputs[1])
    let (mean, variance) = (site.outputs[1], site.outputs[2])
    let (rank, builder) = (image.shape.rank, image.builder)
    var result: [Value?] = [nil, nil, nil]
    if let gradient = site.outputGradients[0] {
      result = builder.apply(
        BatchNormalizationGradient(epsilon: epsilon),
        to: [image, scale, mean, variance, gradient], outputCount: 3)
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
      result[position] = (image[position] - mean.elements[c]) / deviation * scale[c] + shift[c]
    }
    return [result, mean, variance]
  }

  /// `batch norm`.
  public var glyph: Glyph { Glyph("batch norm", .normalization) }
}

// MARK: - BatchNormalizationGradient

/// The gradient of `BatchNormalizationTraining`, through the statistics too.
///
/// Inputs: the image [B, C, …], scale, mean and variance [C], and the normalised image's gradient.
/// Outputs: the gradients of image, scale and shift. With n values a channel, x̂ the image before
/// scale and shift, and g the gradient, they are scale ∕ √(variance + ε) · (g − Σg∕n − x̂·Σgx̂∕n),
/// Σgx̂ and Σg.
public struct BatchNormalizationGradient: Operator {
  /// See `Operator.name`.
  public static let name = "batchNormalizationGradient"
  /// What is added to the variance.
  public var epsilon: Float

  /// Describes the gradient of a batch normalisation.
  public init(epsilon: Float) { self.epsilon = epsilon }

  /// The shapes of image, scale and shift.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 5...5)
    let (image, gradient) = (inputs[0], inputs[4])
    try BatchNormalization.validate(
      epsilon: epsilon, image: image,
      perChannel: [("scale", inputs[1]), ("mean", inputs[2]), ("variance", inputs[3])])
    guard gradient == image else {
      throw ConvoyError(.shape, "expected a gradient of shape \(image), got \(gradient)")
    }
    return [image, inputs[1], inputs[1]]
  }

  /// None: a batch normalisation in training is differentiated once only.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil, nil, nil, nil] }

  /// Two loops: the sums, then the image's gradient by them.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, gradient) = (inputs[0], inputs[4])
    let (scale, mean, variance) = (inputs[1].elements, inputs[2].elements, inputs[3].elements)
    let count = Double(image.shape.elementCount / image.shape[1])
    let inverse = variance.map { 1 / ($0 + Double(epsilon)).squareRoot() }
    func normal(_ position: [Int]) -> Double {
      (image[position] - mean[position[1]]) * inverse[position[1]]
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

  /// `∂ batch norm`.
  public var glyph: Glyph { Glyph("∂ batch norm", .normalization) }
}
