import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  /// Truth values and bits: what makes them, what combines them, and what depends on them.
  static let logic: [String: Importing] = [
    "Equal": pair(Comparison(.equal)),
    "Less": pair(Comparison(.less)),
    "LessOrEqual": pair(Comparison(.lessOrEqual)),
    "Greater": pair(Comparison(.greater)),
    "GreaterOrEqual": pair(Comparison(.greaterOrEqual)),
    "And": pair(Bitwise(.and)), "BitwiseAnd": pair(Bitwise(.and)),
    "Or": pair(Bitwise(.or)), "BitwiseOr": pair(Bitwise(.or)),
    "Xor": pair(Bitwise(.exclusiveOr)), "BitwiseXor": pair(Bitwise(.exclusiveOr)),
    "Not": single { site throws(ConvoyError) in try site.value(0).inverted() },
    "BitwiseNot": single { site throws(ConvoyError) in try site.value(0).inverted() },
    "BitShift": single { site throws(ConvoyError) in
      let direction = try site.attributes.string("direction", default: "")
      guard let function = ["LEFT": Bitwise.Function.shiftLeft, "RIGHT": .shiftRight][direction]
      else { throw .refused("the direction LEFT or RIGHT is expected, got ‘\(direction)’") }
      return site.apply(Bitwise(function), try site.pair())
    },
    "Where": single { site throws(ConvoyError) in
      let values = try site.values()
      guard values.count == 3 else { throw .refused("three inputs are expected") }
      return site.apply(Selection(), [values[1], values[2], values[0]])
    },
  ]

  private static func pair(_ operation: some Operator) -> Importing {
    single { site throws(ConvoyError) in site.apply(operation, try site.pair()) }
  }
}

extension ImportSite {
  /// The two inputs of an operator that broadcasts them, with the extents that make them broadcast
  /// from the right.
  ///
  /// Before version 7 of the operators, the second's first dimension was matched with one of the
  /// first's, `axis`.
  func pair() throws(ConvoyError) -> [Value] {
    guard inputs.count == 2 else { throw .refused("two inputs are expected") }
    let (a, b) = (try value(0), try value(1))
    guard opset < 7, attributes.has("axis") else { return [a, b] }
    let axis = try dimension(attributes.integer("axis", default: 0), ofRank: a.shape.rank)
    let after = a.shape.rank - axis - b.shape.rank
    guard after > 0 else { return [a, b] }
    return [a, b.reshaped(b.shape.dimensions + Array(repeating: 1, count: after))]
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

extension Bitwise: Exportable {
  /// Integers' bits are combined, and those of signed integers shifted, only by later versions of ONNX than
  /// the one that is written.
  func export(at site: ExportSite) throws(ConvoyError) {
    let isOfTruths = site.inputTypes[0] == .bool
    let isUnsigned = !site.inputTypes[0].isSigned
    switch function {
    case .and where isOfTruths: site.finish("And", site.inputs)
    case .or where isOfTruths: site.finish("Or", site.inputs)
    case .exclusiveOr where isOfTruths: site.finish("Xor", site.inputs)
    case .shiftLeft where isUnsigned:
      site.finish("BitShift", site.inputs, [.init("direction", "LEFT")])
    case .shiftRight where isUnsigned:
      site.finish("BitShift", site.inputs, [.init("direction", "RIGHT")])
    case .and, .or, .exclusiveOr, .shiftLeft, .shiftRight:
      throw ConvoyError(
        .argument,
        "The version of ONNX that is written has no ‘\(function.rawValue)’ of \(site.inputTypes[0])"
      )
    }
  }
}
