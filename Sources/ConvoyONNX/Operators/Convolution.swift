import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let convolutions: [String: Importing] = [
    "Conv": single { site throws(ConvoyError) in try convolution(site, of: try site.value(0)) },
    "ConvTranspose": single(transposedConvolution),
  ]

  /// - Parameter image: its first input, with channels first.
  static func convolution(_ site: ImportSite, of image: Value) throws(ConvoyError) -> Value {
    let weights = try site.parameter(1)
    let window = try site.window(kernel: try kernel(of: weights, site), image: image.shape)
    let groups = try site.attributes.integer("group", default: 1)
    return site.apply(
      Convolution(window, groups: groups), [image, weights] + (try bias(site)))
  }

  private static func transposedConvolution(_ site: ImportSite) throws(ConvoyError) -> Value {
    let image = try site.value(0)
    let weights = try site.parameter(1)
    let kernel = try kernel(of: weights, site)
    var window = try site.window(kernel: kernel, image: image.shape)
    let groups = try site.attributes.integer("group", default: 1)
    var outputPadding =
      try site.attributes.integers("output_padding") ?? kernel.map { _ in 0 }
    let spatial = Array(image.shape.dimensions.dropFirst(2))
    guard outputPadding.count == spatial.count else {
      throw .refused("as many output paddings as spatial dimensions are expected")
    }
    let asked = try site.attributes.integers("output_shape")
    if asked != nil || window.padding == .same || site.isPaddedBefore {
      (window.padding, outputPadding) = try padding(
        of: window, outputPadding, from: spatial,
        to: asked?.suffix(spatial.count) ?? ArraySlice(zip(spatial, window.stride).map { $0 * $1 }),
        isMoreBefore: !site.isPaddedAfter)
    }
    let operation = TransposedConvolution(window, groups: groups, outputPadding: outputPadding)
    return site.apply(operation, [image, weights] + (try bias(site)))
  }

  /// The padding with which a transposed convolution makes images of some extents.
  private static func padding(
    of window: Window, _ outputPadding: [Int], from spatial: [Int], to extents: ArraySlice<Int>,
    isMoreBefore: Bool
  ) throws(ConvoyError) -> (Padding, [Int]) {
    var (before, after, outputPadding) = ([Int](), [Int](), outputPadding)
    guard extents.count == spatial.count, extents.allSatisfy({ 0 < $0 && $0 <= 1 << 40 }) else {
      throw .refused("an output shape of \(spatial.count) extents is expected")
    }
    for (d, extent) in extents.enumerated() {
      guard (0...1 << 20).contains(outputPadding[d]) else {
        throw .refused("an output padding of \(outputPadding[d]) is out of range")
      }
      let whole = (spatial[d] - 1) * window.stride[d] + window.span(d) + outputPadding[d]
      let total = max(whole - extent, 0)
      if whole < extent { outputPadding[d] += extent - whole }
      before.append(isMoreBefore ? total - total / 2 : total / 2)
      after.append(total - before[d])
    }
    return (.explicit(before: before, after: after), outputPadding)
  }

  /// The window's extents: those of the weights, which the attribute may repeat.
  private static func kernel(of weights: Value, _ site: ImportSite) throws(ConvoyError) -> [Int] {
    let kernel = Array(weights.shape.dimensions.dropFirst(2))
    if let told = try site.attributes.integers("kernel_shape"), told != kernel {
      throw .refused("its kernel_shape is \(told), but its weights have \(kernel)")
    }
    return kernel
  }

  private static func bias(_ site: ImportSite) throws(ConvoyError) -> [Value] {
    site.has(2) ? [try site.parameter(2)] : []
  }
}

extension ImportSite {
  private var automaticPadding: String {
    (try? attributes.string("auto_pad", default: "NOTSET")) ?? ""
  }

  /// Whether the odd element of automatic padding comes before the image.
  fileprivate var isPaddedBefore: Bool { automaticPadding == "SAME_LOWER" }
  /// Whether it is known to come after.
  fileprivate var isPaddedAfter: Bool { automaticPadding == "SAME_UPPER" }

  /// The window that the attributes of convolutions and poolings describe.
  func window(kernel: [Int], image: Shape, roundsUp: Bool = false) throws(ConvoyError) -> Window {
    let ones = kernel.map { _ in 1 }
    var window = Window(
      kernel: kernel, stride: try attributes.integers("strides") ?? ones,
      dilation: try attributes.integers("dilations") ?? ones, padding: .same, roundsUp: roundsUp)
    try window.validate(spatialRank: image.rank - 2)
    switch automaticPadding {
    case "SAME_UPPER": break
    case "SAME_LOWER":
      let upper = window.resolvedPadding(for: Array(image.dimensions.dropFirst(2)))
      window.padding = .explicit(before: upper.map(\.after), after: upper.map(\.before))
    case "VALID": window.padding = .valid
    case "NOTSET", "":
      let pads = try attributes.integers("pads") ?? ones.map { _ in 0 } + ones.map { _ in 0 }
      guard pads.count == 2 * kernel.count else {
        throw .refused("\(2 * kernel.count) pads are expected, got \(pads.count)")
      }
      window.padding = .explicit(
        before: Array(pads.prefix(kernel.count)), after: Array(pads.suffix(kernel.count)))
    case let other: throw .refused("the auto_pad ‘\(other)’ is not known")
    }
    try window.validate(spatialRank: image.rank - 2)
    return window
  }
}

// MARK: Export

extension Convolution: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "Conv", site.inputs,
      window.attributes(for: site.inputShapes[0], to: site.outputShapes[0])
        + [.init("group", groups)])
  }
}

extension TransposedConvolution: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "ConvTranspose", site.inputs,
      window.attributes(for: site.inputShapes[0])
        + [.init("group", groups), .init("output_padding", outputPadding)])
  }
}

extension Window {
  /// The attributes of convolutions and poolings.
  ///
  /// - Parameter output: where the window only goes as far as it has to, the shape it makes.
  func attributes(for image: Shape, to output: Shape? = nil) -> [Onnx_AttributeProto] {
    let spatial = Array(image.dimensions.dropFirst(2))
    let padding = resolvedPadding(for: spatial)
    var after = padding.map(\.after)
    if let output, roundsUp {
      for d in spatial.indices {
        let reached = (output[d + 2] - 1) * stride[d] + span(d)
        after[d] = max(after[d], reached - spatial[d] - padding[d].before)
      }
    }
    return [
      .init("kernel_shape", kernel), .init("strides", stride), .init("dilations", dilation),
      .init("pads", padding.map(\.before) + after),
    ]
  }
}
