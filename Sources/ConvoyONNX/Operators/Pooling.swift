import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let poolings: [String: Importing] = [
    "MaxPool": maxPooling,
    "AveragePool": single { site throws(ConvoyError) in
      try pooled(
        site.value(0), .average(countsPadding: try site.attributes.flag("count_include_pad")), site)
    },
    "LpPool": single { site throws(ConvoyError) in
      let value = try site.value(0)
      let exponent = try site.exponent()
      let count = try window(over: value, site).elementCount
      return try meansOfWholeWindows(value.powers(exponent), site).scaled(by: Float(count))
        .root(exponent)
    },
    "GlobalMaxPool": single { site throws(ConvoyError) in
      site.apply(Pooling(.maximum, window: nil), [try site.value(0)])
    },
    "GlobalAveragePool": single { site throws(ConvoyError) in
      site.apply(Pooling(.average(countsPadding: true), window: nil), [try site.value(0)])
    },
    "GlobalLpPool": single { site throws(ConvoyError) in
      let value = try site.value(0)
      let exponent = try site.exponent()
      let reduction = Reduction(
        .sum, over: Array(2..<max(value.shape.rank, 2)), keepsDimensions: true)
      return site.apply(reduction, [value.powers(exponent)]).root(exponent)
    },
    "MaxUnpool": single(unpooled),
  ]

  /// The window that the attributes describe.
  private static func window(over image: Value, _ site: ImportSite) throws(ConvoyError) -> Window {
    guard let kernel = try site.attributes.integers("kernel_shape") else {
      throw .refused("a kernel_shape is expected")
    }
    return try site.window(
      kernel: kernel, image: image.shape, roundsUp: try site.attributes.flag("ceil_mode"))
  }

  /// An image pooled by the window that the attributes describe.
  static func pooled(
    _ image: Value, _ function: Pooling.Function, _ site: ImportSite
  ) throws(ConvoyError) -> Value {
    site.apply(Pooling(function, window: try window(over: image, site)), [image])
  }

  /// The maxima, and where they stand if that is read.
  private static let maxPooling: Importing = { site throws(ConvoyError) in
    let image = try site.value(0)
    let floats = image.cast(to: .float32)
    let maxima = try pooled(floats, .maximum, site).cast(to: image.type)
    guard site.isRead(output: 1) else { return [.computed(maxima)] }
    let positions = PoolingPositions(
      window: try window(over: image, site),
      isColumnMajor: try site.attributes.flag("storage_order"))
    return [.computed(maxima), .computed(floats.applying(positions))]
  }

  /// The sum of each window divided by the number of elements of any: what lies outside the image is 0
  /// and counts, also beyond the padding.
  static func meansOfWholeWindows(
    _ image: Value, _ site: ImportSite
  ) throws(ConvoyError) -> Value {
    var window = try window(over: image, site)
    let rank = image.shape.rank
    let spatial = Array(image.shape.dimensions.dropFirst(2))
    let output = try Pooling(.maximum, window: window).outputShapes(for: [image.shape])[0]
    let padding = window.resolvedPadding(for: spatial)
    var (before, after) = (Array(repeating: 0, count: rank), Array(repeating: 0, count: rank))
    for d in spatial.indices {
      let reached = (output[d + 2] - 1) * window.stride[d] + window.span(d)
      before[d + 2] = padding[d].before
      after[d + 2] = max(0, reached - spatial[d] - padding[d].before)
    }
    let isWhole = (before + after).allSatisfy { $0 == 0 }
    window.padding = .valid
    window.roundsUp = false
    return site.apply(
      Pooling(.average(countsPadding: true), window: window),
      [isWhole ? image : image.padded(before: before, after: after)])
  }

  /// Maxima put back where they were, among zeros.
  private static func unpooled(_ site: ImportSite) throws(ConvoyError) -> Value {
    let maxima = try site.value(0)
    let window = try window(over: maxima, site)
    let spatial = maxima.shape.dimensions.dropFirst(2)
    let padding = window.resolvedPadding(for: Array(spatial))
    let extents = spatial.enumerated().map { d, extent in
      (extent - 1) * window.stride[d] + window.kernel[d] - padding[d].before - padding[d].after
    }
    let shape = try Shape(validating: maxima.shape.dimensions.prefix(2) + extents)
    if let asked = try site.integers(2), asked != shape.dimensions {
      // What indices count then, the standard and ONNX Runtime do not agree on.
      throw .refused("an output_shape other than \(shape) is not supported, got \(asked)")
    }
    let zeros = site.builder.constant(Tensor(zeros: [shape.elementCount], type: maxima.type))
    let scattered = zeros.applying(
      Scatter(.elements(dimension: 0), .replace),
      [try site.value(1).reshaped([-1]), maxima.reshaped([-1])])
    return scattered.reshaped(shape.dimensions)
  }
}

extension ImportSite {
  /// The power that elements are raised to before they are added.
  fileprivate func exponent() throws(ConvoyError) -> Float {
    let exponent =
      try opset < 2
      ? attributes.float("p", default: 2) : Float(attributes.integer("p", default: 2))
    guard exponent > 0, exponent.isFinite else {
      throw .refused("a p above 0 is expected, got \(exponent)")
    }
    return exponent
  }
}

extension Value {
  /// |x|ᵖ
  fileprivate func powers(_ exponent: Float) -> Value {
    switch exponent {
    case 1: applying(.absoluteValue)
    case 2: applying(.square)
    default: applying(.absoluteValue).applying(.power(exponent: exponent))
    }
  }

  /// x to the power 1 ∕ p
  fileprivate func root(_ exponent: Float) -> Value {
    switch exponent {
    case 1: self
    case 2: squareRoot()
    default: applying(.power(exponent: 1 / exponent))
    }
  }
}

// MARK: Export

extension Pooling: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    guard let window else {
      site.finish(function == .maximum ? "GlobalMaxPool" : "GlobalAveragePool", site.inputs)
      return
    }
    let attributes =
      window.attributes(for: site.inputShapes[0])
      + [.init("ceil_mode", window.roundsUp ? 1 : 0)]
    switch function {
    case .maximum: site.finish("MaxPool", site.inputs, attributes)
    case .average(let countsPadding):
      guard window.dilation.allSatisfy({ $0 == 1 }) else {
        throw site.failure("dilated windows")
      }
      site.finish(
        "AveragePool", site.inputs,
        attributes.filter { $0.name != "dilations" }
          + [.init("count_include_pad", countsPadding ? 1 : 0)])
    }
  }
}

extension PoolingPositions: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.exporter.append(
      "MaxPool", name: site.name, inputs: site.inputs,
      outputs: [site.exporter.freeName("\(site.name).maxima"), site.outputs[0]],
      window.attributes(for: site.inputShapes[0])
        + [
          .init("ceil_mode", window.roundsUp ? 1 : 0),
          .init("storage_order", isColumnMajor ? 1 : 0),
        ])
  }
}
