import ConvoyGraphs
import ConvoyTensors

// MARK: Import

/// Operators that ONNX Runtime's optimiser makes of several, in files that it saves.
extension Conversions {
  static let runtimeForms: [String: Importing] = [
    "com.microsoft.FusedConv": single { site throws(ConvoyError) in
      var result = try convolution(site, of: try site.value(0))
      if site.has(3) { result = result + (try site.value(3)) }
      return try site.activated(result)
    },
    "com.microsoft.NhwcFusedConv": single { site throws(ConvoyError) in
      let image = try site.value(0)
      let last = image.shape.rank - 1
      let first = [0, last] + Array(1..<last)
      var result = try convolution(site, of: image.transposed(first))
        .transposed([0] + Array(2...last) + [1])
      if site.has(3) { result = result + (try site.value(3)) }
      return try site.activated(result)
    },
    "com.microsoft.FusedGemm": single { site throws(ConvoyError) in
      try site.activated(try generalProduct(site))
    },
    "com.microsoft.FusedMatMul": single(fusedProduct),
    "com.microsoft.TransposeMatMul": single(fusedProduct),
    "com.microsoft.SkipLayerNormalization": { site throws(ConvoyError) in
      try skipNormalization(site, centres: true)
    },
    "com.microsoft.SkipSimplifiedLayerNormalization": { site throws(ConvoyError) in
      try skipNormalization(site, centres: false)
    },
    "com.microsoft.GroupNorm": single(groupNorm),
  ]

  /// alpha·A·B of matrices that may be transposed.
  private static func fusedProduct(_ site: ImportSite) throws(ConvoyError) -> Value {
    func matrices(_ index: Int, _ side: String) throws(ConvoyError) -> Value {
      guard try !site.attributes.flag("transBatch\(side)") else {
        throw .refused("transBatch\(side) is not supported")
      }
      let value = try site.value(index)
      let rank = value.shape.rank
      guard try site.attributes.flag("trans\(side)"), rank >= 2 else { return value }
      return value.transposed(Array(0..<rank - 2) + [rank - 1, rank - 2])
    }
    let product = try matrices(0, "A").matrixProduct(try matrices(1, "B"))
    let alpha = try site.attributes.float("alpha", default: 1)
    return alpha == 1 ? product : product.scaled(by: alpha)
  }

  /// The normalised sum of two values, and the sum as the fourth output.
  private static func skipNormalization(
    _ site: ImportSite, centres: Bool
  ) throws(ConvoyError) -> [Imported] {
    var sum = (try site.value(0)) + (try site.value(1))
    let biasIndex = centres ? 4 : 3
    if site.has(biasIndex) { sum = sum + (try site.value(biasIndex)) }
    let last = [sum.shape.rank - 1]
    let epsilon = try site.attributes.float("epsilon", default: 1e-12)
    let standard: Value
    if centres {
      standard = sum.standardized(over: last, epsilon: epsilon)
    } else {
      let meanSquare = (sum * sum).mean(over: last, keepsDimensions: true)
      standard = sum / meanSquare.scaled(by: 1, offset: epsilon).squareRoot()
    }
    var result = standard * (try site.parameter(2))
    if centres, site.has(3) { result = result + (try site.parameter(3)) }
    let statistics = site.layerStatistics(of: sum, over: last, epsilon: epsilon)
    return ([result] + statistics + [sum]).map { .computed($0) }
  }

  /// Group normalisation of images whose channels may be last, with a SiLU behind it.
  private static func groupNorm(_ site: ImportSite) throws(ConvoyError) -> Value {
    let given = try site.value(0)
    let isLast = try site.attributes.flag("channels_last", default: true)
    let groups = try site.attributes.integer("groups", default: 0)
    guard given.shape.rank == 4 else {
      throw .refused("an image is expected, got the shape \(given.shape)")
    }
    let image = isLast ? given.transposed([0, 3, 1, 2]) : given
    guard groups >= 1, image.shape[1] % groups == 0 else {
      throw .refused("groups that divide \(image.shape[1]) channels are expected, got \(groups)")
    }
    let shape = image.shape
    let standard = image.reshaped([shape[0], groups, -1])
      .standardized(over: [2], epsilon: try site.attributes.float("epsilon", default: 1e-5))
      .reshaped(shape.dimensions)
    var result =
      standard * (try site.channelParameter(1, ofRank: 4))
      + (try site.channelParameter(2, ofRank: 4))
    if try site.attributes.integer("activation", default: 0) == 1 {
      result = result.applying(.silu)
    }
    return isLast ? result.transposed([0, 2, 3, 1]) : result
  }
}

extension ImportSite {
  /// The function that an optimiser has put into the node, applied.
  fileprivate func activated(_ value: Value) throws(ConvoyError) -> Value {
    let parameters = try attributes.floats("activation_params") ?? []
    func parameter(_ index: Int, _ name: String, _ standard: Float) throws(ConvoyError) -> Float {
      if index < parameters.count { return parameters[index] }
      return try attributes.float("activation_\(name)", default: standard)
    }
    switch try attributes.string("activation", default: "") {
    case "": return value
    case "Relu": return value.applying(.relu)
    case "Sigmoid": return value.applying(.sigmoid)
    case "Tanh": return value.applying(.tanh)
    case "LeakyRelu":
      return value.applying(.leakyReLU(slope: try parameter(0, "alpha", 0.01)))
    case "Clip":
      return value.applying(
        .clip(
          low: try parameter(0, "min", -.infinity), high: try parameter(1, "max", .infinity)))
    case "HardSigmoid":
      return value.applying(
        .hardSigmoid(
          slope: try parameter(0, "alpha", 0.2), offset: try parameter(1, "beta", 0.5)))
    case let other: throw .refused("the activation \(other) is not supported")
    }
  }
}
