import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// Comparisons, and what depends on them.
  static let logic: [String: Importing] = [
    "Equal": compared(.equal), "Less": compared(.less), "LessOrEqual": compared(.lessOrEqual),
    "Greater": compared(.greater), "GreaterOrEqual": compared(.greaterOrEqual),
    "Where": single { (site) throws(ConvoyError) in
      let values = try site.values()
      guard values.count == 3 else { throw .refused("three inputs are expected") }
      return site.apply(Selection(), [values[1], values[2], values[0]])
    },
  ]

  private static func compared(_ relation: Comparison.Relation) -> Importing {
    single { (site) throws(ConvoyError) in
      site.apply(Comparison(relation), try site.values())
    }
  }
}

// MARK: Export

extension Comparison: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let type =
      switch relation {
      case .equal: "Equal"
      case .less: "Less"
      case .lessOrEqual: "LessOrEqual"
      case .greater: "Greater"
      case .greaterOrEqual: "GreaterOrEqual"
      }
    site.finish(type, site.inputs)
  }
}

extension Selection: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    site.finish("Where", [site.inputs[2], site.inputs[0], site.inputs[1]])
  }
}
