public import ConvoyTensors

// MARK: Attributes

/// Convolution in 1, 2 or 3 dimensions: standard, 1×1, grouped, depthwise, strided, dilated.
///
/// Inputs: an image [B, I, …], weights [O, I∕G, k…], and optionally a bias [O]. Output: [B, O, …].
/// With G groups, output channel o depends only on the I∕G input channels of group ⌊o·G∕O⌋. (The
/// operation is a cross-correlation, as is usual in deep learning.)
public struct Convolution: LayerOperator {
  /// See `Operator.name`.
  public static let name = "convolution"
  /// The kernel, stride, dilation and padding.
  public var window: Window
  /// The number of groups that the channels are divided into.
  public var groups: Int

  /// Describes a convolution.
  public init(_ window: Window, groups: Int = 1) {
    self.window = window
    self.groups = groups
  }

  // MARK: Shape

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...3)
    let (image, weights) = (inputs[0], inputs[1])
    let spatial = Array(image.dimensions.dropFirst(2))
    try window.validate(spatialRank: image.rank - 2)
    try Convolution.validateGroups(
      groups, inputChannels: image[1], outputChannels: weights.rank > 0 ? weights[0] : 0)
    let expected = try Shape(validating: [weights[0], image[1] / groups] + window.kernel)
    guard weights == expected else {
      throw ConvoyError(
        .shape,
        "expected weights of shape \(expected) for \(image[1]) input channels in "
          + "\(groups) groups, got \(weights)")
    }
    if inputs.count == 3, inputs[2].dimensions != [weights[0]] {
      throw ConvoyError(.shape, "expected a bias of shape \(weights[0]), got \(inputs[2])")
    }
    let output = try window.outputExtents(for: spatial)
    return [try Shape(validating: [image[0], weights[0]] + output)]
  }

  static func validateGroups(
    _ groups: Int, inputChannels: Int, outputChannels: Int
  ) throws(ConvoyError) {
    guard groups >= 1 else {
      throw ConvoyError(.attribute, "expected at least 1 group, got \(groups)")
    }
    for (what, channels) in [("input", inputChannels), ("output", outputChannels)] {
      guard channels >= 1, channels % groups == 0 else {
        throw ConvoyError(
          .attribute,
          "expected a number of groups that divides the \(channels) \(what) channels, got \(groups)"
        )
      }
    }
  }

  // MARK: Cost

  /// H·W·N·K²·M∕G multiply-adds: every output element sums the window over its group's inputs.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    let perOutput = inputs[1].elementCount / inputs[1][0]
    return Cost.product(outputs[0].elementCount, perOutput)
  }

  // MARK: Gradient

  /// The image's gradient is a transposed convolution with the same weights; the weights' gradient
  /// is a correlation of image and gradient; the bias's is a sum.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (image, weights) = (site.inputs[0], site.inputs[1])
    let gradient = site.outputGradient
    let spatial = Array(image.shape.dimensions.dropFirst(2))
    let fixed = window.withPadding(resolvedFor: spatial)
    var result: [Value?] = [nil, nil]
    if site.isNeeded[0] {
      let transposed = TransposedConvolution(fixed, groups: groups, outputExtents: spatial)
      result[0] = gradient.applying(transposed, [weights], name: "image")
    }
    if site.isNeeded[1] {
      let correlation = ConvolutionWeightGradient(fixed, groups: groups)
      result[1] = image.applying(correlation, [gradient], name: "weights")
    }
    if site.inputs.count == 3 {
      result.append(site.isNeeded[2] ? gradient.sumOverAllButChannels() : nil)
    }
    return result
  }

  // MARK: Reference

  /// Nested loops over images, output channels, the group's input channels and the products of a channel.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, weights) = (inputs[0], inputs[1])
    let (pixels, outputPixels) = (image.shape.pixels, outputs[0].pixels)
    let products = window.products(
      input: pixels, output: outputPixels,
      padding: window.resolvedPadding(for: pixels.dimensions))
    let elements = Shape(window.kernel).elementCount
    let inputsPerGroup = image.shape[1] / groups
    let outputsPerGroup = weights.shape[0] / groups
    var result = ReferenceTensor(outputs[0])
    for n in 0..<image.shape[0] {
      for o in 0..<weights.shape[0] {
        let to = (n * weights.shape[0] + o) * outputPixels.elementCount
        if inputs.count == 3 {
          for pixel in 0..<outputPixels.elementCount {
            result.elements[to + pixel] = inputs[2][[o]]
          }
        }
        for i in 0..<inputsPerGroup {
          let channel = o / outputsPerGroup * inputsPerGroup + i
          let from = (n * image.shape[1] + channel) * pixels.elementCount
          let weight = (o * inputsPerGroup + i) * elements
          for product in products {
            result.elements[to + product.output] +=
              image.elements[from + product.input] * weights.elements[weight + product.element]
          }
        }
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .layer(self) }

  /// See `LayerOperator.weightRows`.
  public var weightRows: WeightRows { .outputs }

  /// Without padding, unless the last window may extend beyond the end.
  public var readsWholeWindows: Bool {
    guard !window.roundsUp else { return false }
    return switch window.padding {
    case .uniform(let all): all == 0
    case .explicit(let before, let after): (before + after).allSatisfy { $0 == 0 }
    case .same: false
    }
  }

  /// The same window, and another number of groups.
  public func divided(into groups: Int) -> (any LayerOperator)? {
    Convolution(window, groups: groups)
  }

  /// An output depends on a window of its group's channels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: .mixed, pixels: .mixed, groups: groups, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `3×3 g32`.
  public var glyph: Glyph {
    Glyph(groups == 1 ? window.label : "\(window.label) g\(groups)", .convolution)
  }
}

extension Window {
  /// The window with "same" padding replaced by explicit padding for these extents.
  func withPadding(resolvedFor input: [Int]) -> Window {
    let resolved = resolvedPadding(for: input)
    var copy = self
    copy.padding = .explicit(before: resolved.map(\.before), after: resolved.map(\.after))
    return copy
  }
}

// MARK: Building

extension Value {
  /// Convolves with given weights.
  public func convolution(
    weights: Value, bias: Value? = nil, stride: any SpatialExtents = 1,
    padding: Padding = 0, dilation: any SpatialExtents = 1, groups: Int = 1, name: String? = nil
  ) -> Value {
    let window = Window(
      kernel: Array(weights.shape.dimensions.dropFirst(2)), stride: stride, dilation: dilation,
      padding: padding)
    let others = [weights] + (bias.map { [$0] } ?? [])
    return applying(Convolution(window, groups: groups), others, name: name)
  }

  /// A convolution layer with its own weights, He-initialised, and a bias that is initially 0.
  ///
  /// - Parameters:
  ///   - outputChannels: the number of filters.
  ///   - kernel: the window's extents; their number is that of the image's spatial dimensions.
  ///   - bias: whether a bias is added; leave it out before batch normalisation.
  ///   - name: the layer's name; its parameters are `name.weight` and `name.bias`.
  public func convolution(
    _ outputChannels: Int, kernel: any SpatialExtents, stride: any SpatialExtents = 1,
    padding: Padding = 0, dilation: any SpatialExtents = 1, groups: Int = 1, bias: Bool = true,
    initializer: Initializer = .he, name: String? = nil
  ) -> Value {
    convolutionLayer(
      name, kind: Convolution.name, outputChannels, groups, hasBias: bias, initializer
    ) { () throws(ConvoyError) in
      let window = try slidingWindow(
        kernel: kernel, stride: stride, dilation: dilation, padding: padding)
      return (Convolution(window, groups: groups), [outputChannels, shape[1]] + window.kernel)
    }
  }

  /// A layer of a convolution of either kind: declares weights and bias, and applies the operator.
  ///
  /// - Parameter describe: the operator, and the shape its weights would have with one group.
  func convolutionLayer(
    _ name: String?, kind: String, _ outputChannels: Int, _ groups: Int, hasBias: Bool,
    _ initializer: Initializer,
    _ describe: () throws(ConvoyError) -> (operation: some Operator, weights: [Int])
  ) -> Value {
    layer(name, kind: kind) { name throws(ConvoyError) in
      var (operation, extents) = try describe()
      try Convolution.validateGroups(
        groups, inputChannels: shape[1], outputChannels: outputChannels)
      // In both kinds, the weights' first extent is the number of all channels, the second that of
      // a group's.
      extents[1] /= groups
      let weights = builder.parameter(
        "\(name).weight", try Shape(validating: extents), Parameter(initializer))
      let bias =
        hasBias
        ? [builder.parameter("\(name).bias", [outputChannels], Parameter(.constant(0)))] : []
      return applying(operation, [weights] + bias, name: name)
    }
  }
}
