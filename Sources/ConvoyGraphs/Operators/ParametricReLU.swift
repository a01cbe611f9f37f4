public import ConvoyTensors

// MARK: Attributes

/// x where positive, otherwise slope·x, with a trainable slope.
///
/// Inputs: an image [B, C, …] and the slope, [C] or [1]. Output: the image's shape.
///
/// Source: He et al., "Delving Deep into Rectifiers", 2015.
public struct ParametricReLU: Operator {
  /// See `Operator.name`.
  public static let name = "parametricReLU"

  /// A ReLU with a trainable slope.
  public init() {}

  // MARK: Shape

  /// The image's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (image, slope) = (inputs[0], inputs[1])
    guard image.rank >= 2 else {
      throw ConvoyError(
        .shape, "expected an image of shape batch×channels×extents, got \(image)")
    }
    guard slope.dimensions == [image[1]] || slope.dimensions == [1] else {
      throw ConvoyError(.shape, "expected a slope of shape \(image[1]) or 1, got \(slope)")
    }
    return [image]
  }

  // MARK: Gradient

  /// The image's gradient is g times 1 or the slope; the slope's is the sum of g·x where x is not
  /// positive.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (image, slope, gradient) = (site.inputs[0], site.inputs[1], site.outputGradient)
    let spread = slope.broadcastingOverChannels(ofRank: image.shape.rank)
    func toImage() -> Value {
      let isPositive = image.applying(.step)
      return gradient * (isPositive + spread - isPositive * spread)
    }
    func toSlope() -> Value {
      (gradient * (image - image.relu())).summed(to: spread.shape).reshaped(to: slope.shape)
    }
    return [site.isNeeded[0] ? toImage() : nil, site.isNeeded[1] ? toSlope() : nil]
  }

  // MARK: Reference

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, slope) = (inputs[0], inputs[1].elements)
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      let x = image[position]
      result[position] = x > 0 ? x : x * slope[slope.count == 1 ? 0 : position[1]]
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each channel with its own slope, or all with the same.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: inputs[1].elementCount == 1 ? .alike : .byVector, pixels: .alike,
      groups: nil, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `PReLU`.
  public var glyph: Glyph { Glyph("PReLU", .elementwise) }
}

// MARK: Building

extension Value {
  /// x where positive, otherwise slope·x, with a slope for each channel.
  ///
  /// - Parameter name: the layer's name; the slope is `name.weight`, initially ¼.
  public func parametricReLU(name: String? = nil) -> Value {
    layer(name, kind: ParametricReLU.name) { name throws(ConvoyError) in
      guard shape.rank >= 2 else {
        throw ConvoyError(
          .shape, "expected an image of shape batch×channels×extents, got \(shape)")
      }
      let slope = builder.parameter("\(name).weight", [shape[1]], Parameter(.constant(0.25)))
      return applying(ParametricReLU(), [slope], name: name)
    }
  }
}
