import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let normalizations: [String: Importing] = [
    "BatchNormalization": batchNormalization,
    "InstanceNormalization": single(instanceNormalization),
    "GroupNormalization": single(groupNormalization),
    "LayerNormalization": layerNormalization,
    "LRN": single(localResponseNormalization),
    "Dropout": dropout,
  ]

  private static let batchNormalization: Importing = { site throws(ConvoyError) in
    let epsilon = try site.epsilon()
    // ONNX tells how much of the running statistics stays.
    let kept = try site.attributes.float("momentum", default: 0.9)
    if try site.attributes.flag("training_mode") {
      return try site.batchNormalizationInTraining(epsilon: epsilon, momentum: kept)
        .map { .computed($0) }
    }
    let isSpatial = try site.attributes.flag("spatial", default: true)
    guard site.opset >= 9 || isSpatial else {
      throw .refused("statistics for each pixel are not supported")
    }
    guard site.outputCount == 1 else {
      throw .refused("its statistics are asked for, as in training")
    }
    let normalized = site.apply(
      BatchNormalization(epsilon: epsilon, momentum: 1 - kept),
      [try site.value(0)]
        + (try (1...4).map { index throws(ConvoyError) in
          try site.parameter(index, isTrainable: index <= 2)
        }))
    return [.computed(normalized)]
  }

  private static func instanceNormalization(_ site: ImportSite) throws(ConvoyError) -> Value {
    let image = try site.value(0)
    let rank = image.shape.rank
    guard rank >= 3 else { throw .refused("an image is expected, got the shape \(image.shape)") }
    let standard = site.apply(
      Standardization(over: Array(2..<rank), epsilon: try site.epsilon()), [image])
    return try site.scaled(standard) { index throws(ConvoyError) in
      try site.channelParameter(index, ofRank: rank)
    }
  }

  private static func groupNormalization(_ site: ImportSite) throws(ConvoyError) -> Value {
    let image = try site.value(0)
    let (shape, rank) = (image.shape, image.shape.rank)
    let groups = try site.attributes.integer("num_groups", default: 0)
    guard rank >= 2, groups >= 1, shape[1] % groups == 0 else {
      throw .refused("a num_groups that divides the channels is expected, got \(groups)")
    }
    let standard = site.reshape(image, [0, groups, -1])
      .standardized(over: [2], epsilon: try site.epsilon())
      .reshaped([0] + shape.dimensions.dropFirst())
    // Until the 21st version scale and shift were given for each group.
    let perGroup = shape[1] / groups
    func spread(_ index: Int) throws(ConvoyError) -> Value {
      guard try ConstantTensor.count(of: site.input(index).extents) == groups, perGroup > 1 else {
        return try site.channelParameter(index, ofRank: rank)
      }
      return try site.parameter(index) { constant throws(ConvoyError) in
        try site.importer.spend(shape[1])
        let spread = try constant.reshaped([groups]).taking(
          (0..<shape[1]).map { $0 / perGroup }, dimension: 0, source: constant.source)
        return try spread.reshaped([1, shape[1]] + Array(repeating: 1, count: rank - 2))
      }
    }
    return try site.scaled(standard, spread)
  }

  private static let layerNormalization: Importing = { site throws(ConvoyError) in
    let value = try site.value(0)
    let rank = value.shape.rank
    let axis = try site.dimension(
      try site.attributes.integer("axis", default: -1), ofRank: rank)
    let (dimensions, epsilon) = (Array(axis..<rank), try site.epsilon())
    let standard = site.apply(
      Standardization(over: dimensions, epsilon: epsilon), [value])
    let normalized = try site.scaled(standard) { index throws(ConvoyError) in
      let extents = try site.input(index).extents
      guard extents.count <= rank else {
        throw .refused("its input \(index + 1) has too many dimensions")
      }
      let missing = Array(repeating: 1, count: rank - extents.count)
      return try site.parameter(index, as: missing + extents)
    }
    let statistics =
      site.outputCount > 1
      ? site.layerStatistics(of: value, over: dimensions, epsilon: epsilon) : []
    return ([normalized] + statistics).map { .computed($0) }
  }

  private static func localResponseNormalization(_ site: ImportSite) throws(ConvoyError) -> Value {
    let operation = LocalResponseNormalization(
      size: try site.attributes.integer("size", default: 0),
      alpha: try site.attributes.float("alpha", default: 1e-4),
      beta: try site.attributes.float("beta", default: 0.75),
      bias: try site.attributes.float("bias", default: 1))
    return site.apply(operation, [try site.value(0)])
  }

  /// Kept, for a model that is trained further. Its mask is all true: a run drops nothing.
  private static func dropout(_ site: ImportSite) throws(ConvoyError) -> [Imported] {
    let value = try site.value(0)
    let rate =
      site.opset >= 12
      ? try site.scalar(1) ?? 0.5 : try site.attributes.float("ratio", default: 0.5)
    if rate != 0, let mode = try site.integers(2), mode.first != 0 {
      throw .refused("it is exported for training: it draws what it drops")
    }
    let result =
      rate > 0 && rate < 1 ? site.apply(Dropout(rate: rate), [value]) : value
    let type: ElementType = site.opset >= 10 ? .bool : value.type
    let mask = site.scalar(1, type).applying(Repetition(to: value.shape))
    return [.computed(result), .computed(mask)]
  }
}

extension ImportSite {
  fileprivate func epsilon() throws(ConvoyError) -> Float {
    try attributes.float("epsilon", default: 1e-5)
  }

  /// A value times the second input plus the third, but for those that change nothing.
  ///
  /// - Parameter parameter: an input in a shape that broadcasts.
  fileprivate func scaled(_ value: Value, _ parameter: (Int) throws(ConvoyError) -> Value)
    throws(ConvoyError) -> Value
  {
    var result = value
    for (index, function) in [(1, Arithmetic.Function.multiply), (2, .add)] where has(index) {
      let neutral: Float = function == .multiply ? 1 : 0
      let floats = try knownConstant(index)?.floats()
      if let floats, floats.allSatisfy({ $0 == neutral }) { continue }
      result = result.applying(Arithmetic(function), [try parameter(index)])
    }
    return result
  }
}

// MARK: Export

extension BatchNormalization: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "BatchNormalization", site.inputs,
      [.init("epsilon", epsilon), .init("momentum", 1 - momentum)])
  }
}

extension Standardization: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let (shape, x) = (site.inputShapes[0], site.inputs[0])
    if let first = dimensions.first, dimensions == Array(first..<shape.rank) {
      let ones = site.constant(Tensor(Shape(shape.dimensions[first...]), repeating: 1), "scale")
      site.finish(
        "LayerNormalization", [x, ones], [.init("axis", first), .init("epsilon", epsilon)])
      return
    }
    let over: [Onnx_AttributeProto] = [.init("axes", dimensions)]
    let centred = site.emit("Sub", [x, site.emit("ReduceMean", [x], over)])
    let variance = site.emit("ReduceMean", [site.emit("Mul", [centred, centred])], over)
    let moved = site.emit("Add", [variance, site.scalar(epsilon)])
    site.finish("Div", [centred, site.emit("Sqrt", [moved])])
  }
}

extension LocalResponseNormalization: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      "LRN", site.inputs,
      [
        .init("size", size), .init("alpha", alpha), .init("beta", beta), .init("bias", bias),
      ])
  }
}

extension Dropout: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Dropout", site.inputs + [site.scalar(rate)])
  }
}
