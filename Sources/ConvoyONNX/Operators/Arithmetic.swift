import ConvoyGraphs
import ConvoyTensors

// MARK: Import

extension Conversions {
  static let arithmetic: [String: Importing] = [
    "Add": binary(.add),
    "Sub": binary(.subtract),
    "Mul": binary(.multiply),
    "Div": binary(.divide),
    "Pow": single(power),
    "Mod": single { site throws(ConvoyError) in
      site.apply(
        Remainder(isTruncating: try site.attributes.flag("fmod")), try site.pair())
    },
    "Sum": variadic(.add),
    "Max": variadic(.maximum),
    "Min": variadic(.minimum),
    "Mean": single { site throws(ConvoyError) in
      try combined(.add, site).scaled(by: 1 / Float(site.inputs.count))
    },
  ]

  private static func binary(_ function: Arithmetic.Function) -> Importing {
    single { site throws(ConvoyError) in
      guard site.inputs.count == 2 else { throw .refused("two inputs are expected") }
      // An axis of version 6 or before.
      if site.opset < 7, site.attributes.has("axis") {
        return site.apply(Arithmetic(function), try site.pair())
      }
      return try site.combine(function, 0, 1)
    }
  }

  /// A power has its base's type, whatever that of its exponent is.
  private static func power(_ site: ImportSite) throws(ConvoyError) -> Value {
    let base = try site.value(0)
    if base.type == .float32, let known = site.knownConstant(1), known.count == 1,
      let result = site.with(try known.number(), .power, base)
    {
      return result
    }
    let exponent = try site.value(1)
    if base.type == exponent.type { return try site.combine(.power, 0, 1) }
    return site.apply(Arithmetic(.power), [base.cast(to: .float32), exponent.cast(to: .float32)])
      .cast(to: base.type)
  }

  private static func variadic(_ function: Arithmetic.Function) -> Importing {
    single { site throws(ConvoyError) in try combined(function, site) }
  }

  /// All inputs, from left to right.
  private static func combined(_ function: Arithmetic.Function, _ site: ImportSite)
    throws(ConvoyError) -> Value
  {
    if site.inputs.count == 1 { return try site.value(0) }
    if site.inputs.count == 2 { return try site.combine(function, 0, 1) }
    let values = try site.values()
    guard let first = values.first else { throw .refused("at least one input is expected") }
    return values.dropFirst().reduce(first) { $0.applying(Arithmetic(function), [$1]) }
  }
}

extension ImportSite {
  /// Arithmetic on two inputs: with a single number by a function, else with broadcasting.
  fileprivate func combine(_ function: Arithmetic.Function, _ i: Int, _ j: Int) throws(ConvoyError)
    -> Value
  {
    if let number = knownConstant(j)?.scalar, try rank(j) <= rank(i),
      let result = with(number, function, try value(i))
    {
      return result
    }
    if let number = knownConstant(i)?.scalar, try rank(i) <= rank(j),
      let result = with(function, number, try value(j))
    {
      return result
    }
    let rank = max(try rank(i), try rank(j))
    var (a, b) = (try operand(i, ofRank: rank), try operand(j, ofRank: rank))
    if function == .add, let biased = try withBias(i, j) { return biased }
    if function == .multiply, let (product, x) = Idioms.product(a, b, at: self) {
      return apply(Elementwise(product), [x])
    }
    // Kernels want the operand that is repeated second.
    let isOrderFree = [.add, .multiply, .maximum, .minimum].contains(function)
    if isOrderFree, a.shape.elementCount < b.shape.elementCount { swap(&a, &b) }
    return apply(Arithmetic(function), [a, b])
  }

  private func rank(_ index: Int) throws(ConvoyError) -> Int { try input(index).extents.count }

  /// An operand; constants have their missing dimensions filled in, and are parameters if they were
  /// initialisers.
  private func operand(_ index: Int, ofRank rank: Int) throws(ConvoyError) -> Value {
    guard let constant = knownConstant(index), constant.count > 1 else { return try value(index) }
    let missing = Array(repeating: 1, count: rank - constant.rank)
    let spread = try constant.reshaped(missing + constant.extents)
    return constant.source == nil
      ? try importer.constant(spread) : try importer.parameter(spread, isTrainable: true)
  }

  /// x ∘ number
  fileprivate func with(_ number: Float, _ function: Arithmetic.Function, _ x: Value) -> Value? {
    switch function {
    case .add: applying(.affine(scale: 1, offset: number), to: x)
    case .subtract: applying(.affine(scale: 1, offset: -number), to: x)
    case .multiply: applying(.affine(scale: number, offset: 0), to: x)
    case .divide: applying(.affine(scale: 1 / number, offset: 0), to: x)
    case .maximum where number == 0: applying(.relu, to: x)
    case .maximum: applying(.clip(low: number, high: .infinity), to: x)
    case .minimum: applying(.clip(low: -.infinity, high: number), to: x)
    case .power:
      switch number {
      case 1: x
      case 2: applying(.square, to: x)
      case 0.5: applying(.squareRoot, to: x)
      case -1: applying(.reciprocal, to: x)
      default: applying(.power(exponent: number), to: x)
      }
    }
  }

  /// number ∘ x
  private func with(_ function: Arithmetic.Function, _ number: Float, _ x: Value) -> Value? {
    switch function {
    case .add, .multiply, .maximum, .minimum: with(number, function, x)
    case .subtract: applying(.affine(scale: -1, offset: number), to: x)
    case .divide:
      number == 1
        ? applying(.reciprocal, to: x)
        : applying(.affine(scale: number, offset: 0), to: x.applying(.reciprocal))
    case .power: nil
    }
  }

  /// The sum of a linear layer without a bias, which nothing else reads, and a row: the layer with it.
  private func withBias(_ i: Int, _ j: Int) throws(ConvoyError) -> Value? {
    for (features, bias) in [(i, j), (j, i)] where isSoleReader[features] {
      guard let row = knownConstant(bias), case .computed(let sum)? = inputs[features],
        row.rank >= 1, row.count == row.extents.last, row.count == sum.shape.dimensions.last,
        row.rank <= sum.shape.rank, var node = maker(of: sum)
      else { continue }
      var pattern: [Int]?
      if let reshape = node.operation as? Reshape, sum.shape.rank > 2 {
        pattern = reshape.pattern
        guard let before = maker(of: builder.value(node.inputs[0])) else { continue }
        node = before
      }
      guard case .layer = node.operation.kind, node.inputs.count == 2,
        builder.graph[node.outputs[0]].shape.rank == 2,
        builder.graph[node.outputs[0]].shape[1] == row.count
      else { continue }
      let biasValue = try parameter(bias, as: [row.count])
      let linear = apply(Linear(), node.inputs.map { builder.value($0) } + [biasValue])
      return pattern.map { linear.reshaped($0) } ?? linear
    }
    return nil
  }
}

// MARK: Export

extension Arithmetic: Exportable {
  func export(at site: ExportSite) throws(ConvoyError) {
    let type =
      switch function {
      case .add: "Add"
      case .subtract: "Sub"
      case .multiply: "Mul"
      case .divide: "Div"
      case .maximum: "Max"
      case .minimum: "Min"
      case .power: "Pow"
      }
    site.finish(type, site.inputs)
  }
}

extension Remainder: Exportable {
  /// Floats that are rounded down are put together: a − ⌊a ∕ b⌋·b.
  func export(at site: ExportSite) throws(ConvoyError) {
    if isTruncating || site.inputTypes[0].isInteger {
      return site.finish("Mod", site.inputs, [.init("fmod", isTruncating ? 1 : 0)])
    }
    let (a, b) = (site.inputs[0], site.inputs[1])
    let quotient = site.emit("Floor", [site.emit("Div", [a, b])])
    site.finish("Sub", [a, site.emit("Mul", [quotient, b])])
  }
}
