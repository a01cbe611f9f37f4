import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let reductions: [String: Importing] = [
    "ReduceSum": single { site throws(ConvoyError) in try reduced(site, .sum, axesAreInput: 13) },
    "ReduceMean": single { site throws(ConvoyError) in try reduced(site, .mean, axesAreInput: 18) },
    "ReduceMax": single { site throws(ConvoyError) in try reduced(site, .maximum, axesAreInput: 18)
    },
    "ReduceMin": single { site throws(ConvoyError) in
      try reduced(site, .maximum, axesAreInput: 18) {
        -$0
      } after: {
        -$0
      }
    },
    "ReduceSumSquare": single { site throws(ConvoyError) in
      try reduced(site, .sum, axesAreInput: 18) { $0.applying(.square) }
    },
    "ReduceL1": single { site throws(ConvoyError) in
      try reduced(site, .sum, axesAreInput: 18) { $0.applying(.absoluteValue) }
    },
    "ReduceL2": single { site throws(ConvoyError) in
      try reduced(site, .sum, axesAreInput: 18) {
        $0.applying(.square)
      } after: {
        $0.squareRoot()
      }
    },
    "ReduceProd": { _ throws(ConvoyError) in
      throw .refused("it is supported only where all it reads is known while reading")
    },
  ]

  /// - Parameter version: from which on the axes are an input.
  private static func reduced(
    _ site: ImportSite, _ function: Reduction.Function, axesAreInput version: Int,
    before: (Value) -> Value = { $0 }, after: (Value) -> Value = { $0 }
  ) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let rank = value.shape.rank
    let keeps = try site.attributes.flag("keepdims", default: true)
    var axes = try site.opset >= version ? site.integers(1) : site.attributes.integers("axes")
    if axes?.isEmpty == true { axes = nil }
    if axes == nil, try site.attributes.flag("noop_with_empty_axes") { return value }
    let dimensions = try site.dimensions(axes ?? Array(0..<rank), ofRank: rank)
    let isGlobal = (3...5).contains(rank) && dimensions == Array(2..<rank)
    if isGlobal, function != .sum {
      let pooling = Pooling(
        function == .maximum ? .maximum : .average(countsPadding: true), window: nil)
      let pooled = after(site.apply(pooling, [before(value)]))
      return keeps ? pooled : pooled.reshaped([0, 0])
    }
    let reduction = Reduction(function, over: dimensions, keepsDimensions: keeps)
    return after(site.apply(reduction, [before(value)]))
  }
}

// MARK: Export

extension Reduction: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let keeps = Onnx_AttributeProto("keepdims", keepsDimensions ? 1 : 0)
    switch function {
    case .sum:
      site.finish("ReduceSum", site.inputs + [site.integers(dimensions, "axes")], [keeps])
    case .mean: site.finish("ReduceMean", site.inputs, [.init("axes", dimensions), keeps])
    case .maximum: site.finish("ReduceMax", site.inputs, [.init("axes", dimensions), keeps])
    }
  }
}
