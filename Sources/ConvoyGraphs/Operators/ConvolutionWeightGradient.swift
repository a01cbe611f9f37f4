public import ConvoyTensors

// MARK: Attributes

/// The gradient of a convolution's weights: the correlation of its image with its output's gradient.
///
/// Inputs: the image [B, I, …] and the gradient [B, O, …]. Output: [O, I∕G, k…].
public struct ConvolutionWeightGradient: Operator {
  /// See `Operator.name`.
  public static let name = "convolutionWeightGradient"
  /// The convolution's kernel, stride, dilation and padding.
  public var window: Window
  /// The convolution's groups.
  public var groups: Int

  /// Describes the gradient of a convolution's weights.
  public init(_ window: Window, groups: Int) {
    self.window = window
    self.groups = groups
  }

  // MARK: Shape

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (image, gradient) = (inputs[0], inputs[1])
    guard image.rank == gradient.rank, image.rank >= 3 else {
      throw ConvoyError(
        .shape, "expected an image and a gradient of the same rank, got \(image) and \(gradient)")
    }
    try Convolution.validateGroups(
      groups, inputChannels: image[1], outputChannels: gradient[1])
    let output = try window.outputExtents(for: Array(image.dimensions.dropFirst(2)))
    let expected = try Shape(validating: [image[0], gradient[1]] + output)
    guard gradient == expected else {
      throw ConvoyError(.shape, "expected a gradient of shape \(expected), got \(gradient)")
    }
    return [try Shape(validating: [gradient[1], image[1] / groups] + window.kernel)]
  }

  // MARK: Cost

  /// As many multiply-adds as the convolution itself.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    let perOutput = outputs[0].elementCount / outputs[0][0]
    return Cost.product(inputs[1].elementCount, perOutput)
  }

  // MARK: Gradient

  /// Linear in both inputs: a transposed convolution, and a convolution with the output's gradient
  /// as weights.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (image, gradient) = (site.inputs[0], site.inputs[1])
    let spatial = Array(image.shape.dimensions.dropFirst(2))
    let fixed = window.withPadding(resolvedFor: spatial)
    var result: [Value?] = [nil, nil]
    if site.isNeeded[0] {
      let transposed = TransposedConvolution(fixed, groups: groups, outputExtents: spatial)
      result[0] = gradient.applying(transposed, [site.outputGradient], name: "image")
    }
    if site.isNeeded[1] {
      result[1] = image.applying(
        Convolution(fixed, groups: groups), [site.outputGradient], name: "output")
    }
    return result
  }

  // MARK: Reference

  /// Nested loops over images, output channels, the group's input channels and the products of a channel.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, gradient) = (inputs[0], inputs[1])
    let (pixels, gradientPixels) = (image.shape.pixels, gradient.shape.pixels)
    let products = window.products(
      input: pixels, output: gradientPixels,
      padding: window.resolvedPadding(for: pixels.dimensions))
    let elements = Shape(window.kernel).elementCount
    let inputsPerGroup = image.shape[1] / groups
    let outputsPerGroup = gradient.shape[1] / groups
    var result = ReferenceTensor(outputs[0])
    for n in 0..<image.shape[0] {
      for o in 0..<gradient.shape[1] {
        let at = (n * gradient.shape[1] + o) * gradientPixels.elementCount
        for i in 0..<inputsPerGroup {
          let channel = o / outputsPerGroup * inputsPerGroup + i
          let from = (n * image.shape[1] + channel) * pixels.elementCount
          let weight = (o * inputsPerGroup + i) * elements
          for product in products {
            result.elements[weight + product.element] +=
              image.elements[from + product.input] * gradient.elements[at + product.output]
          }
        }
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Sums over all pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: .mixed, pixels: .mixed, groups: groups, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `∂w 3×3`.
  public var glyph: Glyph { Glyph("∂w \(window.label)", .convolution) }
}
