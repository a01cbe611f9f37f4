import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// Functions of one number that are no activations.
  static let scalarMaps: [String: Importing] = [
    "Neg": ofAnyNumber(.negation, float: .affine(scale: -1, offset: 0)),
    "Abs": ofAnyNumber(.magnitude, float: .absoluteValue),
    "Sign": map(.sign),
    "Floor": map(.floor),
    "Ceil": map(.ceiling),
    "Round": map(.round),
    "Sin": map(.sine),
    "Cos": map(.cosine),
    "Tan": map(.tangent),
    "Asin": map(.arcsine),
    "Acos": map(.arccosine),
    "Atan": map(.arctangent),
    "Sinh": map(.hyperbolicSine),
    "Cosh": map(.hyperbolicCosine),
    "Asinh": map(.inverseHyperbolicSine),
    "Acosh": map(.inverseHyperbolicCosine),
    "Atanh": map(.inverseHyperbolicTangent),
    "IsNaN": single { site throws(ConvoyError) in
      let value = try site.value(0)
      return site.apply(
        Bitwise(.exclusiveOr),
        [value.compared(.equal, to: value), site.builder.constant(Tensor(scalar: true))])
    },
    "IsInf": single(isInfinite),
  ]

  private static func map(_ function: ScalarMap.Function) -> Importing {
    single { site throws(ConvoyError) in site.apply(ScalarMap(function), [try site.value(0)]) }
  }

  /// A function that floats have kernels for.
  private static func ofAnyNumber(
    _ function: ScalarMap.Function, float: ScalarFunction
  ) -> Importing {
    single { site throws(ConvoyError) in
      let value = try site.value(0)
      return value.type.isFloating
        ? site.applying(float, to: value) : site.apply(ScalarMap(function), [value])
    }
  }

  private static func isInfinite(_ site: ImportSite) throws(ConvoyError) -> Value {
    var value = try site.value(0)
    let takesPositive = try site.attributes.flag("detect_positive", default: true)
    let takesNegative = try site.attributes.flag("detect_negative", default: true)
    if takesPositive && takesNegative { value = value.applying(.absoluteValue) }
    // Neither: nothing is above infinity.
    let relation: Comparison.Relation = takesPositive || takesNegative ? .equal : .greater
    let bound: Float = takesPositive ? .infinity : takesNegative ? -.infinity : .infinity
    return site.apply(Comparison(relation), [value, site.builder.scalar(bound)])
  }
}

// MARK: Export

extension ScalarMap: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let type =
      switch function {
      case .negation: "Neg"
      case .magnitude: "Abs"
      case .sign: "Sign"
      case .floor: "Floor"
      case .ceiling: "Ceil"
      case .round: "Round"
      case .sine: "Sin"
      case .cosine: "Cos"
      case .tangent: "Tan"
      case .arcsine: "Asin"
      case .arccosine: "Acos"
      case .arctangent: "Atan"
      case .hyperbolicSine: "Sinh"
      case .hyperbolicCosine: "Cosh"
      case .inverseHyperbolicSine: "Asinh"
      case .inverseHyperbolicCosine: "Acosh"
      case .inverseHyperbolicTangent: "Atanh"
      }
    site.finish(type, site.inputs)
  }
}
