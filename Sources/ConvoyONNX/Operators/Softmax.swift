import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let softmaxes: [String: Importing] = [
    "Softmax": alongAxis { rows, axis, site in
      site.apply(Softmax(dimension: axis, isLogarithmic: false), [rows])
    },
    "LogSoftmax": alongAxis { rows, axis, site in
      site.apply(Softmax(dimension: axis, isLogarithmic: true), [rows])
    },
    "Hardmax": alongAxis { rows, axis, site in
      // 1 at the first of the largest numbers: where there is one up to there.
      let largest = rows.applying(
        Reduction(.maximum, over: [axis], keepsDimensions: true))
      let isLargest = rows.compared(.equal, to: largest)
      let count = isLargest.cast(to: .int32).applying(Cumulation(.sum, along: axis))
      let isFirst = count.compared(.equal, to: site.scalar(1, .int32))
      return site.apply(Cast(to: .float32), [isLargest.bitwise(.and, isFirst)])
    },
  ]

  /// An operator that computes along one axis. Before version 13, everything from the axis on was
  /// one dimension.
  private static func alongAxis(
    _ body: @escaping @Sendable (Value, Int, ImportSite) -> Value
  ) -> Importing {
    single { site throws(ConvoyError) in
      let value = try site.value(0)
      let axis = try site.dimension(
        try site.attributes.integer("axis", default: site.opset >= 13 ? -1 : 1),
        ofRank: value.shape.rank)
      let after = value.shape.dimensions.dropFirst(axis + 1)
      if site.opset >= 13 || after.allSatisfy({ $0 == 1 }) { return body(value, axis, site) }
      let columns = value.shape.dimensions.dropFirst(axis).reduce(1, *)
      let rows = axis == 0 ? value.reshaped([1, -1]) : value.reshaped([-1, columns])
      let kept = value.shape.dimensions
      return body(rows, 1, site).reshaped(axis == 0 ? kept : [-1] + kept.dropFirst())
    }
  }
}

// MARK: Export

extension Softmax: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish(
      isLogarithmic ? "LogSoftmax" : "Softmax", site.inputs, [.init("axis", dimension)])
  }
}
