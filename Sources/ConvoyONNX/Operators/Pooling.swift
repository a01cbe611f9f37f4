import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let poolings: [String: Importing] = [
    "MaxPool": single { site throws(ConvoyError) in try pooling(.maximum, site) },
    "AveragePool": single { site throws(ConvoyError) in
      try pooling(
        .average(countsPadding: try site.attributes.flag("count_include_pad")), site)
    },
    "GlobalMaxPool": single { site throws(ConvoyError) in
      site.apply(Pooling(.maximum, window: nil), [try site.value(0)])
    },
    "GlobalAveragePool": single { site throws(ConvoyError) in
      site.apply(Pooling(.average(countsPadding: true), window: nil), [try site.value(0)])
    },
  ]

  private static func pooling(_ function: Pooling.Function, _ site: ImportSite) throws(ConvoyError)
    -> Value
  {
    try pooled(site.value(0), function, site)
  }

  /// An image pooled by the window that the attributes describe.
  static func pooled(
    _ image: Value, _ function: Pooling.Function, _ site: ImportSite
  ) throws(ConvoyError) -> Value {
    guard let kernel = try site.attributes.integers("kernel_shape") else {
      throw .refused("a kernel_shape is expected")
    }
    let window = try site.window(
      kernel: kernel, image: image.shape, roundsUp: try site.attributes.flag("ceil_mode"))
    return site.apply(Pooling(function, window: window), [image])
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
