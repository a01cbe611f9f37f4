import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let softmaxes: [String: Importing] = [
    "Softmax": single { site throws(ConvoyError) in try softmax(site, isLogarithmic: false) },
    "LogSoftmax": single { site throws(ConvoyError) in try softmax(site, isLogarithmic: true) },
  ]

  private static func softmax(_ site: ImportSite, isLogarithmic: Bool) throws(ConvoyError) -> Value
  {
    let value = try site.value(0)
    let rank = value.shape.rank
    let axis = try site.dimension(
      try site.attributes.integer("axis", default: site.opset >= 13 ? -1 : 1), ofRank: rank)
    let after = value.shape.dimensions.dropFirst(axis + 1)
    if site.opset >= 13 || after.allSatisfy({ $0 == 1 }) {
      return site.apply(Softmax(dimension: axis, isLogarithmic: isLogarithmic), [value])
    }
    // Before, everything from the axis on was one dimension.
    let columns = value.shape.dimensions.dropFirst(axis).reduce(1, *)
    let rows = axis == 0 ? value.reshaped([1, -1]) : value.reshaped([-1, columns])
    let result = site.apply(Softmax(dimension: 1, isLogarithmic: isLogarithmic), [rows])
    let kept = value.shape.dimensions
    return result.reshaped(axis == 0 ? kept : [-1] + kept.dropFirst())
  }
}

// MARK: Export

extension Softmax: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      isLogarithmic ? "LogSoftmax" : "Softmax", site.inputs, [.init("axis", dimension)])
  }
}
