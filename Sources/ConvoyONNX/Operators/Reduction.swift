import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let reductions: [String: Importing] = [
    "ReduceSum": reduction(.sum, axesAreInput: 13),
    "ReduceMean": reduction(.mean),
    "ReduceProd": reduction(.product),
    "ReduceMax": reduction(.maximum),
    "ReduceMin": reduction(.minimum),
    "ReduceL1": reduction(.sum) { $0.magnitudes },
    "ReduceL2": reduction(.sum) {
      $0 * $0
    } after: {
      $0.squareRoot()
    },
    "ReduceSumSquare": reduction(.sum) { $0 * $0 },
    "ReduceLogSum": reduction(.sum) {
      $0
    } after: {
      $0.logarithm()
    },
    "ReduceLogSumExp": single(logarithmOfSum),
    "ArgMax": single { site throws(ConvoyError) in try position(site, .maximum) },
    "ArgMin": single { site throws(ConvoyError) in try position(site, .minimum) },
    "TopK": topK,
  ]

  /// - Parameter version: from which on the axes are an input.
  private static func reduction(
    _ function: Reduction.Function, axesAreInput version: Int = 18,
    before: @escaping @Sendable (Value) -> Value = { $0 },
    after: @escaping @Sendable (Value) -> Value = { $0 }
  ) -> Importing {
    single { site throws(ConvoyError) in
      let value = try site.value(0)
      guard let dimensions = try site.reducedDimensions(of: value, axesAreInput: version) else {
        return value
      }
      let rank = value.shape.rank
      let keeps = try site.attributes.flag("keepdims", default: true)
      let isGlobal = (3...5).contains(rank) && dimensions == Array(2..<rank)
      if isGlobal, value.type == .float32, function == .mean || function == .maximum {
        let pooling = Pooling(
          function == .maximum ? .maximum : .average(countsPadding: true), window: nil)
        let pooled = after(site.apply(pooling, [before(value)]))
        return keeps ? pooled : pooled.reshaped([0, 0])
      }
      let reduction = Reduction(function, over: dimensions, keepsDimensions: keeps)
      return after(site.apply(reduction, [before(value)]))
    }
  }

  /// The maximum is taken out of the exponentials, so that none overflows.
  private static func logarithmOfSum(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    guard let dimensions = try site.reducedDimensions(of: value, axesAreInput: 18) else {
      return value
    }
    let largest = value.largest(over: dimensions, keepsDimensions: true)
    let sum = (value - largest).applying(.exponential).sum(over: dimensions, keepsDimensions: true)
    let result = sum.logarithm() + largest
    return try site.attributes.flag("keepdims", default: true)
      ? result
      : result.reshaped(
        value.shape.dimensions.indices.filter { !dimensions.contains($0) }.map { value.shape[$0] })
  }

  private static func position(
    _ site: ImportSite, _ function: ArgReduction.Function
  ) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    return site.apply(
      ArgReduction(
        function,
        along: try site.dimension(
          try site.attributes.integer("axis", default: 0), ofRank: value.shape.rank),
        keepsDimension: try site.attributes.flag("keepdims", default: true),
        selectsLast: try site.attributes.flag("select_last_index")), [value])
  }

  /// What is asked for unsorted is sorted too.
  private static let topK: Importing = { site throws(ConvoyError) in
    let value = try site.value(0)
    let count =
      site.opset >= 10
      ? try site.integers(1)?.first ?? 0 : try site.attributes.integer("k", default: 0)
    let operation = TopK(
      count,
      along: try site.dimension(
        try site.attributes.integer("axis", default: -1), ofRank: value.shape.rank),
      keepsLargest: try site.attributes.flag("largest", default: true))
    return site.builder.apply(operation, to: [value], name: site.name).map { .computed($0) }
  }
}

extension ImportSite {
  /// The dimensions that a reduction is over; nil if it does nothing.
  ///
  /// - Parameter version: from which on the axes are an input.
  fileprivate func reducedDimensions(
    of value: Value, axesAreInput version: Int
  ) throws(ConvoyError) -> [Int]? {
    var axes = try opset >= version ? integers(1) : attributes.integers("axes")
    if axes?.isEmpty == true { axes = nil }
    if let axes { return try dimensions(axes, ofRank: value.shape.rank) }
    return try attributes.flag("noop_with_empty_axes") ? nil : Array(0..<value.shape.rank)
  }
}

extension Value {
  /// The magnitudes of floats or integers.
  fileprivate var magnitudes: Value {
    if type.isFloating { return applying(.absoluteValue) }
    return type.isSigned ? maximum(builder.constant(Tensor(zeros: [], type: type)) - self) : self
  }
}

// MARK: Export

extension Reduction: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let keeps = Onnx_AttributeProto("keepdims", keepsDimensions ? 1 : 0)
    let type =
      switch function {
      case .sum: "ReduceSum"
      case .mean: "ReduceMean"
      case .product: "ReduceProd"
      case .maximum: "ReduceMax"
      case .minimum: "ReduceMin"
      }
    // Of these, only the sum has its axes as an input in the version that is written.
    if function == .sum {
      site.finish(type, site.inputs + [site.integers(dimensions, "axes")], [keeps])
    } else {
      site.finish(type, site.inputs, [.init("axes", dimensions), keeps])
    }
  }
}

extension ArgReduction: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      function == .maximum ? "ArgMax" : "ArgMin", site.inputs,
      [
        .init("axis", dimension), .init("keepdims", keepsDimension ? 1 : 0),
        .init("select_last_index", selectsLast ? 1 : 0),
      ])
  }
}

extension TopK: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "TopK", site.inputs + [site.integers([count], "k")],
      [.init("axis", dimension), .init("largest", keepsLargest ? 1 : 0)])
  }
}
