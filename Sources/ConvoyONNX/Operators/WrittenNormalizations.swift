import ConvoyGraphs
import ConvoyTensors

// MARK: Import

/// Normalisations that are written as arithmetic: by norms, by root mean squares, and by statistics that
/// are outputs too.
extension Conversions {
  static let writtenNormalizations: [String: Importing] = [
    "LpNormalization": single(lpNormalization),
    "MeanVarianceNormalization": single(meanVarianceNormalization),
    "RMSNormalization": single(rootMeanSquareNormalization),
    "SimplifiedLayerNormalization": single(rootMeanSquareNormalization),
  ]

  /// What has a norm of 0 stays 0.
  private static func lpNormalization(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let axis = try site.dimension(
      try site.attributes.integer("axis", default: -1), ofRank: value.shape.rank)
    let order = try site.attributes.integer("p", default: 2)
    guard order == 1 || order == 2 else {
      throw .refused("a p of 1 or 2 is expected, got \(order)")
    }
    let magnitudes = value.applying(order == 1 ? .absoluteValue : .square)
    let sum = magnitudes.sum(over: [axis], keepsDimensions: true)
    let norm = order == 1 ? sum : sum.squareRoot()
    return value / norm.maximum(site.builder.scalar(.leastNormalMagnitude))
  }

  private static func meanVarianceNormalization(_ site: ImportSite) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let axes = try site.dimensions(
      try site.attributes.integers("axes") ?? [0, 2, 3], ofRank: value.shape.rank)
    let centred = value - value.mean(over: axes, keepsDimensions: true)
    let variance = (centred * centred).mean(over: axes, keepsDimensions: true)
    return centred / variance.squareRoot().scaled(by: 1, offset: 1e-9)
  }

  private static func rootMeanSquareNormalization(
    _ site: ImportSite
  ) throws(ConvoyError) -> Value {
    let value = try site.value(0)
    let rank = value.shape.rank
    let axis = try site.dimension(
      try site.attributes.integer("axis", default: -1), ofRank: rank)
    let meanSquare = (value * value).mean(over: Array(axis..<rank), keepsDimensions: true)
    let deviation = meanSquare.scaled(
      by: 1, offset: try site.attributes.float("epsilon", default: 1e-5)
    ).squareRoot()
    let normalized = value / deviation
    return site.has(1) ? normalized * (try site.parameter(1)) : normalized
  }
}

extension ImportSite {
  /// The mean and the reciprocal deviation of a layer normalisation, which models that are trained further
  /// ask for.
  func layerStatistics(
    of value: Value, over dimensions: [Int], epsilon: Float
  ) -> [Value] {
    let mean = value.mean(over: dimensions, keepsDimensions: true)
    let centred = value - mean
    let deviation = (centred * centred).mean(over: dimensions, keepsDimensions: true)
      .scaled(by: 1, offset: epsilon).squareRoot()
    return [mean, builder.scalar(1) / deviation]
  }

  /// A batch normalisation by the batch's own statistics: the output, and the running mean and variance
  /// after it.
  func batchNormalizationInTraining(epsilon: Float, momentum: Float) throws(ConvoyError) -> [Value]
  {
    let image = try value(0)
    let rank = image.shape.rank
    let others = (0..<rank).filter { $0 != 1 }
    let mean = image.mean(over: others, keepsDimensions: true)
    let centred = image - mean
    let variance = (centred * centred).mean(over: others, keepsDimensions: true)
    let normalized = centred / variance.scaled(by: 1, offset: epsilon).squareRoot()
    let output =
      normalized * (try channelParameter(1, ofRank: rank))
      + (try channelParameter(2, ofRank: rank))
    func running(_ index: Int, _ current: Value) throws(ConvoyError) -> Value {
      try value(index).scaled(by: momentum) + current.reshaped([-1]).scaled(by: 1 - momentum)
    }
    return [output, try running(3, mean), try running(4, variance)]
  }
}
