public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// MARK: - LocalResponseNormalization

/// Divides each element by a power of the mean square of its neighbours in other channels.
///
/// Input: an image [B, C, …]. Output: the same shape, x ∕ (bias + alpha∕size · Σx²)^beta, summed over
/// the channels from c − ⌊(size − 1)∕2⌋ to c + ⌈(size − 1)∕2⌉ that exist (as ONNX defines it).
///
/// Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
/// Networks", 2012; alpha here is size times the paper's.
public struct LocalResponseNormalization: Operator {
  /// See `Operator.name`.
  public static let name = "localResponseNormalization"
  /// The number of channels that are summed.
  public var size: Int
  /// The factor of the mean square.
  public var alpha: Float
  /// The exponent.
  public var beta: Float
  /// The number that is added to the mean square.
  public var bias: Float

  /// Describes a local response normalisation.
  public init(size: Int, alpha: Float, beta: Float, bias: Float) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  /// The image's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    guard (2...5).contains(inputs[0].rank) else {
      throw ConvoyError(
        .shape,
        "expected an image of shape batch×channels×extents, with at most 3 extents, got \(inputs[0])"
      )
    }
    guard (1...Window.largestAttribute).contains(size) else {
      throw ConvoyError(
        .attribute, "expected a size from 1 to \(Window.largestAttribute), got \(size)")
    }
    // With these, the base of the power is positive for every image.
    guard alpha >= 0, alpha.isFinite, bias > 0, bias.isFinite, beta.isFinite else {
      throw ConvoyError(
        .attribute,
        "expected an alpha of at least 0, a bias above 0 and a finite beta, "
          + "got \(alpha), \(bias) and \(beta)")
    }
    return inputs
  }

  /// A separate operator.
  public func gradients(at site: GradientSite) -> [Value?] {
    let gradient = LocalResponseNormalizationGradient(
      size: size, alpha: alpha, beta: beta, bias: bias)
    return [site.inputs[0].applying(gradient, [site.outputGradient])]
  }

  /// One loop over the image and its neighbours.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let image = inputs[0]
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      result[position] = image[position] * pow(base(at: position, of: image), -Double(beta))
    }
    return [result]
  }

  /// The base of the power: bias + alpha∕size · Σx².
  func base(at position: [Int], of image: ReferenceTensor) -> Double {
    var sum = 0.0
    for channel in position[1] - (size - 1) / 2...position[1] + size / 2 {
      var neighbour = position
      neighbour[1] = channel
      let x = image.element(at: neighbour) ?? 0
      sum += x * x
    }
    return Double(bias) + Double(alpha) / Double(size) * sum
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Over neighbouring channels of a pixel.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([1], .computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `LRN 5`.
  public var glyph: Glyph { Glyph("LRN \(size)", .normalization) }
}

// MARK: - LocalResponseNormalizationGradient

/// The gradient of `LocalResponseNormalization`.
///
/// Inputs: the image x and the gradient g, of one shape. Output: that shape. With b the base of the
/// power, g·b^−beta − 2·alpha·beta∕size · x · Σ g·x·b^(−beta−1), summed over the channels whose
/// windows include that of x: from c − ⌈(size − 1)∕2⌉ to c + ⌊(size − 1)∕2⌋.
public struct LocalResponseNormalizationGradient: Operator {
  /// See `Operator.name`.
  public static let name = "localResponseNormalizationGradient"
  /// The number of channels that are summed.
  public var size: Int
  /// The factor of the mean square.
  public var alpha: Float
  /// The exponent.
  public var beta: Float
  /// The number that is added to the mean square.
  public var bias: Float

  /// Describes the gradient of a local response normalisation.
  public init(size: Int, alpha: Float, beta: Float, bias: Float) {
    self.size = size
    self.alpha = alpha
    self.beta = beta
    self.bias = bias
  }

  private var forward: LocalResponseNormalization {
    LocalResponseNormalization(size: size, alpha: alpha, beta: beta, bias: bias)
  }

  /// The image's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let output = try forward.outputShapes(for: [inputs[0]])
    guard inputs[1] == inputs[0] else {
      throw ConvoyError(.shape, "expected a gradient of shape \(inputs[0]), got \(inputs[1])")
    }
    return output
  }

  /// None: this normalisation is differentiated once only.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  /// One loop over the image and its neighbours.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, gradient) = (inputs[0], inputs[1])
    let (alpha, beta) = (Double(alpha), Double(beta))
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      var sum = 0.0
      for channel in position[1] - size / 2...position[1] + (size - 1) / 2 {
        var neighbour = position
        neighbour[1] = channel
        guard let x = image.element(at: neighbour) else { continue }
        sum += gradient[neighbour] * x * pow(forward.base(at: neighbour, of: image), -beta - 1)
      }
      let direct = gradient[position] * pow(forward.base(at: position, of: image), -beta)
      result[position] = direct - 2 * alpha * beta / Double(size) * image[position] * sum
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Over neighbouring channels of a pixel.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([1], .computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `∂ LRN 5`.
  public var glyph: Glyph { Glyph("∂ LRN \(size)", .normalization) }
}

// MARK: - Building

extension Value {
  /// Local response normalisation over a number of neighbouring channels.
  public func localResponseNormalization(
    size: Int = 5, alpha: Float = 1e-4, beta: Float = 0.75, bias: Float = 1, name: String? = nil
  ) -> Value {
    applying(
      LocalResponseNormalization(size: size, alpha: alpha, beta: beta, bias: bias),
      name: builder.layerName(name, kind: LocalResponseNormalization.name))
  }
}
