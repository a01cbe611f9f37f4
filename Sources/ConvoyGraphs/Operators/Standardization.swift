public import ConvoyTensors

// MARK: Attributes

/// Each group of elements normalised to mean 0 and variance 1: the common part of layer, group and
/// instance normalisation.
///
/// Input: a tensor. Output: the same shape, (x − mean) ∕ √(variance + ε), with the mean and the
/// biased variance of the elements that differ only in the given dimensions.
///
/// Sources: Ba, Kiros and Hinton, "Layer Normalization", 2016; Ulyanov, Vedaldi and Lempitsky,
/// "Instance Normalization", 2016; Wu and He, "Group Normalization", 2018.
public struct Standardization: Operator {
  /// See `Operator.name`.
  public static let name = "standardization"
  /// The dimensions of mean and variance, ascending.
  public var dimensions: [Int]
  /// The constant that is added to the variance.
  public var epsilon: Float

  /// Describes a standardisation.
  public init(over dimensions: [Int], epsilon: Float) {
    self.dimensions = dimensions.sorted()
    self.epsilon = epsilon
  }

  // MARK: Shape

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    guard !dimensions.isEmpty, Set(dimensions).count == dimensions.count,
      dimensions.allSatisfy({ (0..<inputs[0].rank).contains($0) })
    else {
      throw ConvoyError(
        .attribute,
        "expected at least one dimension of \(inputs[0]), each once and counted from 0, "
          + "got \(dimensions)")
    }
    guard epsilon >= 0, epsilon.isFinite else {
      throw ConvoyError(.attribute, "expected an epsilon of at least 0, got \(epsilon)")
    }
    return inputs
  }

  // MARK: Gradient

  /// With y the output, σ² the variance plus ε, and means over the dimensions:
  /// (g − mean g − y · mean g·y) ∕ σ.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (x, y, g) = (site.inputs[0], site.outputs[0], site.outputGradient)
    func mean(_ value: Value) -> Value { value.mean(over: dimensions, keepsDimensions: true) }
    let centred = x - mean(x)
    let deviation = mean(centred * centred).scaled(by: 1, offset: epsilon).squareRoot()
    return [(g - mean(g) - y * mean(g * y)) / deviation]
  }

  // MARK: Reference

  /// One loop for the means, one for the variances, one over the outputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let x = inputs[0]
    let kept = Shape(
      x.shape.dimensions.enumerated().map { dimensions.contains($0) ? 1 : $1 })
    let count = Double(x.shape.elementCount / kept.elementCount)
    var (mean, variance) = (ReferenceTensor(kept), ReferenceTensor(kept))
    func group(_ position: [Int]) -> [Int] {
      position.enumerated().map { dimensions.contains($0) ? 0 : $1 }
    }
    for position in x.shape.indices { mean[group(position)] += x[position] / count }
    for position in x.shape.indices {
      let distance = x[position] - mean[group(position)]
      variance[group(position)] += distance * distance / count
    }
    var result = ReferenceTensor(outputs[0])
    for position in x.shape.indices {
      let deviation = (variance[group(position)] + Double(epsilon)).squareRoot()
      result[position] = (x[position] - mean[group(position)]) / deviation
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Over the dimensions.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing(dimensions, .computes, hasBoundedReference: true)
  }

  /// Over the dimensions' places.
  public func transposedForm(places: [Int]) -> TransposedForm? {
    TransposedForm(
      Standardization(over: dimensions.map { places[$0] }, epsilon: epsilon), places)
  }

  // MARK: Glyph

  /// `standardize`.
  public var glyph: Glyph { Glyph("standardize", .normalization) }
}

// MARK: Building

extension Value {
  /// Mean 0 and variance 1 over some dimensions: (x − mean) ∕ √(variance + ε).
  ///
  /// - Parameters:
  ///   - dimensions: the dimensions of mean and biased variance.
  ///   - epsilon: the constant that is added to the variance.
  public func standardized(
    over dimensions: [Int], epsilon: Float = 1e-5, name: String? = nil
  ) -> Value {
    applying(Standardization(over: dimensions, epsilon: epsilon), name: name)
  }

  /// Layer normalisation of an image [B, C, …] over the channels of each pixel, with a scale and a
  /// shift for each channel, as in ConvNeXt; of features [B, F], over each row.
  ///
  /// - Parameters:
  ///   - epsilon: the constant that is added to the variance.
  ///   - name: the layer's name; its parameters are `name.weight` [C], initially 1, and `name.bias`
  ///     [C], initially 0.
  public func layerNormalization(epsilon: Float = 1e-5, name: String? = nil) -> Value {
    normalizationLayer(name, kind: "layerNormalization") { name in
      standardized(over: [1], epsilon: epsilon, name: name)
    }
  }

  /// Group normalisation of an image [B, C, …]: over the pixels and channels of each group, with a
  /// scale and a shift for each channel.
  ///
  /// - Parameters:
  ///   - groups: the number of groups of neighbouring channels; a divisor of C.
  ///   - epsilon: the constant that is added to the variance.
  ///   - name: the layer's name; its parameters are `name.weight` [C], initially 1, and `name.bias`
  ///     [C], initially 0.
  public func groupNormalization(
    groups: Int, epsilon: Float = 1e-5, name: String? = nil
  ) -> Value {
    normalizationLayer(name, kind: "groupNormalization") { name throws(ConvoyError) in
      guard groups >= 1, shape[1] % groups == 0 else {
        throw ConvoyError(
          .attribute,
          "expected a number of groups that divides the \(shape[1]) channels, got \(groups)")
      }
      return reshaped([0, groups, -1]).standardized(over: [2], epsilon: epsilon, name: name)
        .reshaped([0] + shape.dimensions.dropFirst())
    }
  }

  /// Instance normalisation of an image [B, C, …]: over the pixels of each channel, with a scale
  /// and a shift for each channel.
  ///
  /// - Parameters:
  ///   - epsilon: the constant that is added to the variance.
  ///   - name: the layer's name; its parameters are `name.weight` [C], initially 1, and `name.bias`
  ///     [C], initially 0.
  public func instanceNormalization(epsilon: Float = 1e-5, name: String? = nil) -> Value {
    normalizationLayer(name, kind: "instanceNormalization") { name in
      standardized(over: Array(2..<shape.rank), epsilon: epsilon, name: name)
    }
  }

  /// The result of a closure, times `name.weight`, plus `name.bias`, which have a number for each
  /// channel.
  private func normalizationLayer(
    _ name: String?, kind: String, _ standardized: (String) throws(ConvoyError) -> Value
  ) -> Value {
    layer(name, kind: kind) { name throws(ConvoyError) in
      guard shape.rank >= 2 else {
        throw ConvoyError(
          .shape, "expected an image of shape batch×channels×extents, got \(shape)")
      }
      let normal = try standardized(name)
      func parameter(_ suffix: String, _ start: Float) -> Value {
        builder.parameter("\(name).\(suffix)", [shape[1]], Parameter(.constant(start)))
          .asOnePixel(ofRank: shape.rank)
      }
      return normal * parameter("weight", 1) + parameter("bias", 0)
    }
  }

  /// [C] as [1, C, 1, …]: a pixel that is broadcast over images [B, C, …].
  func asOnePixel(ofRank rank: Int) -> Value {
    reshaped(to: Shape([1, shape.elementCount] + Array(repeating: 1, count: rank - 2)))
  }
}
