import ConvoyTensors

// MARK: Evaluation

extension Conversions {
  /// Operators that compute, where there is nothing to compute with: values of a graph have elements.
  /// Everything else that is known is evaluated by the definitions of the operators that are built.
  static let constantArithmetic: [String: Evaluating] = {
    let numbers = [
      "Abs", "Add", "And", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Ceil", "Clip",
      "Div",
      "Exp", "Floor", "Log", "Max", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pow", "Round", "Sign",
      "Sqrt", "Sub", "Sum", "Where", "Xor",
    ]
    let truths = ["Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual"]
    var table: [String: Evaluating] = ["ReduceProd": product]
    for name in numbers { table[name] = withoutElements(nil) }
    for name in truths { table[name] = withoutElements(.bool) }
    return table
  }()

  /// What an operator makes element by element where there are no elements.
  ///
  /// - Parameter type: that of its output; its last input's if nil.
  private static func withoutElements(_ type: ElementType?) -> Evaluating {
    { site throws(ConvoyError) in
      let constants = site.inputs.indices.compactMap { site.knownConstant($0) }
      guard constants.count == site.inputs.count, constants.contains(where: { $0.count == 0 }),
        let last = constants.last
      else { return nil }
      var extents: [Int] = []
      for constant in constants { extents = try broadcast(extents, constant.extents) }
      return [ConstantTensor(empty: extents, type ?? last.type)]
    }
  }

  /// The product of all elements: the size of a shape.
  private static let product: Evaluating = { site throws(ConvoyError) in
    guard let constant = site.knownConstant(0), !site.has(1), !site.attributes.has("axes") else {
      return nil
    }
    let extents =
      try site.attributes.flag("keepdims", default: true) ? constant.extents.map { _ in 1 } : []
    if constant.type.isFloating {
      return [ConstantTensor(extents, [try constant.floats().reduce(1, *)])]
    }
    let number = try constant.integers().reduce(1, &*)
    return [ConstantTensor(extents, integers: [number], constant.type)]
  }
}
