public import ConvoyTensors

// MARK: Attributes

/// Transposed convolution: the adjoint of `Convolution`, and the gradient of its image.
///
/// Inputs: an image [B, I, …], weights [I, O∕G, k…], and optionally a bias [O]. Output: [B, O, …].
/// Each input element adds its multiple of the kernel to the output. The stride is the distance
/// between neighbouring inputs' kernels in the output; padding crops the output.
public struct TransposedConvolution: LayerOperator {
  /// See `Operator.name`.
  public static let name = "transposedConvolution"
  /// The kernel, stride, dilation and padding; the padding is that of the convolution that this is
  /// the adjoint of.
  public var window: Window
  /// The number of groups that the channels are divided into.
  public var groups: Int
  /// The number of output elements beyond the smallest possible extent, for each spatial dimension.
  public var outputPadding: [Int]

  /// Describes a transposed convolution.
  public init(_ window: Window, groups: Int = 1, outputPadding: any SpatialExtents = 0) {
    self.window = window
    self.groups = groups
    self.outputPadding = outputPadding.extents(rank: window.rank)
  }

  /// The adjoint of a convolution of images with these extents.
  ///
  /// - Precondition: the window's padding is explicit.
  init(_ window: Window, groups: Int, outputExtents: [Int]) {
    let padding = window.resolvedPadding(for: outputExtents)
    let rest = outputExtents.indices.map { d in
      (outputExtents[d] + padding[d].before + padding[d].after - window.span(d)) % window.stride[d]
    }
    self.init(window, groups: groups, outputPadding: rest)
  }

  // MARK: Shape

  /// (input − 1)·stride + span − padding + output padding.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...3)
    let (image, weights) = (inputs[0], inputs[1])
    try window.validate(spatialRank: image.rank - 2)
    guard window.padding != .same, !window.roundsUp else {
      throw ConvoyError(.attribute, "expected explicit padding without rounding up")
    }
    // Each remainder of the output's position modulo the stride is a separate phase of the kernels.
    let passes = window.stride.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard window.stride.allSatisfy({ $0 <= 4096 }), passes <= 4096 else {
      throw ConvoyError(
        .attribute,
        "expected strides whose product is at most 4096 in a transposed convolution, "
          + "got \(window.stride)")
    }
    guard outputPadding.count == window.rank else {
      throw ConvoyError(
        .attribute,
        "expected \(window.rank) output padding extents, got \(outputPadding.count)")
    }
    guard weights.rank == image.rank, weights[0] == image[1],
      Array(weights.dimensions.dropFirst(2)) == window.kernel
    else {
      let kernel = window.kernel.map { "×\($0)" }.joined()
      throw ConvoyError(
        .shape, "expected weights of shape \(image[1])×(outputs∕groups)\(kernel), got \(weights)")
    }
    guard groups >= 1, image[1] % groups == 0 else {
      throw ConvoyError(
        .attribute,
        "expected a number of groups that divides the \(image[1]) input channels, got \(groups)")
    }
    let (outputChannels, overflow) = weights[1].multipliedReportingOverflow(by: groups)
    guard !overflow else {
      throw ConvoyError(.shape, "expected fewer output channels than \(weights[1])·\(groups)")
    }
    if inputs.count == 3, inputs[2].dimensions != [outputChannels] {
      throw ConvoyError(.shape, "expected a bias of shape \(outputChannels), got \(inputs[2])")
    }
    let spatial = Array(image.dimensions.dropFirst(2))
    let padding = window.resolvedPadding(for: spatial)
    var output: [Int] = []
    for d in spatial.indices {
      guard (0..<max(window.stride[d], window.dilation[d])).contains(outputPadding[d]) else {
        throw ConvoyError(
          .attribute,
          "expected an output padding below the stride \(window.stride[d]) "
            + "or the dilation \(window.dilation[d]), got \(outputPadding[d])")
      }
      let extent =
        (spatial[d] - 1) * window.stride[d] + window.span(d) - padding[d].before
        - padding[d].after + outputPadding[d]
      guard extent >= 1 else {
        throw ConvoyError(
          .shape, "expected an output of at least 1 after cropping the padding, got \(extent)")
      }
      output.append(extent)
    }
    return [try Shape(validating: [image[0], outputChannels] + output)]
  }

  // MARK: Cost

  /// Every input element is multiplied with its group's kernels.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    let perInput = inputs[1].elementCount / inputs[1][0]
    return Cost.product(inputs[0].elementCount, perInput)
  }

  // MARK: Gradient

  /// The image's gradient is the convolution that this is the adjoint of. The weights' gradient is
  /// the same correlation as a convolution's, with image and gradient exchanged.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (image, weights) = (site.inputs[0], site.inputs[1])
    let gradient = site.outputGradient
    var result: [Value?] = [nil, nil]
    if site.isNeeded[0] {
      result[0] = gradient.applying(
        Convolution(window, groups: groups), [weights], name: "image")
    }
    if site.isNeeded[1] {
      let correlation = ConvolutionWeightGradient(window, groups: groups)
      result[1] = gradient.applying(correlation, [image], name: "weights")
    }
    if site.inputs.count == 3 {
      result.append(site.isNeeded[2] ? gradient.sumOverAllButChannels() : nil)
    }
    return result
  }

  // MARK: Reference

  /// Every input element adds its multiple of the kernel: the convolution's products, with input and output
  /// exchanged.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, weights) = (inputs[0], inputs[1])
    let (pixels, outputPixels) = (image.shape.pixels, outputs[0].pixels)
    let products = window.products(
      input: outputPixels, output: pixels,
      padding: window.resolvedPadding(for: pixels.dimensions))
    let elements = Shape(window.kernel).elementCount
    let inputsPerGroup = image.shape[1] / groups
    let outputsPerGroup = weights.shape[1]
    var result = ReferenceTensor(outputs[0])
    if inputs.count == 3 {
      for position in outputs[0].indices { result[position] = inputs[2][[position[1]]] }
    }
    for n in 0..<image.shape[0] {
      for i in 0..<image.shape[1] {
        let from = (n * image.shape[1] + i) * pixels.elementCount
        for o in 0..<outputsPerGroup {
          let channel = i / inputsPerGroup * outputsPerGroup + o
          let to = (n * outputs[0][1] + channel) * outputPixels.elementCount
          let weight = (i * outputsPerGroup + o) * elements
          for product in products {
            result.elements[to + product.input] +=
              image.elements[from + product.output] * weights.elements[weight + product.element]
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
  public var weightRows: WeightRows { .inputs }

  /// Outputs near the border are sums over fewer elements of the window.
  public var readsWholeWindows: Bool { false }

  /// The same window, and another number of groups.
  public func divided(into groups: Int) -> (any LayerOperator)? {
    TransposedConvolution(window, groups: groups, outputPadding: outputPadding)
  }

  /// An output depends on a window of its group's channels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: .mixed, pixels: .mixed, groups: groups, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `3×3 s2 ᵀ`.
  public var glyph: Glyph {
    Glyph(
      groups == 1 ? "\(window.label) ᵀ" : "\(window.label) g\(groups) ᵀ", .convolution)
  }
}

// MARK: Building

extension Value {
  /// Applies a transposed convolution with given weights [I, O∕G, k…].
  public func transposedConvolution(
    weights: Value, bias: Value? = nil, stride: any SpatialExtents = 1, padding: Padding = 0,
    outputPadding: any SpatialExtents = 0, dilation: any SpatialExtents = 1, groups: Int = 1,
    name: String? = nil
  ) -> Value {
    let window = Window(
      kernel: Array(weights.shape.dimensions.dropFirst(2)), stride: stride, dilation: dilation,
      padding: padding)
    return applying(
      TransposedConvolution(window, groups: groups, outputPadding: outputPadding),
      [weights] + (bias.map { [$0] } ?? []), name: name)
  }

  /// A transposed convolution layer with its own weights, He-initialised, and a bias that is
  /// initially 0.
  ///
  /// - Parameter name: the layer's name; its parameters are `name.weight` and `name.bias`.
  public func transposedConvolution(
    _ outputChannels: Int, kernel: any SpatialExtents, stride: any SpatialExtents = 1,
    padding: Padding = 0, outputPadding: any SpatialExtents = 0,
    dilation: any SpatialExtents = 1, groups: Int = 1, bias: Bool = true,
    initializer: Initializer = .he, name: String? = nil
  ) -> Value {
    convolutionLayer(
      name, kind: TransposedConvolution.name, outputChannels, groups, hasBias: bias, initializer
    ) { () throws(ConvoyError) in
      let window = try slidingWindow(
        kernel: kernel, stride: stride, dilation: dilation, padding: padding)
      let operation = TransposedConvolution(
        window, groups: groups, outputPadding: outputPadding)
      return (operation, [shape[1], outputChannels] + window.kernel)
    }
  }
}
