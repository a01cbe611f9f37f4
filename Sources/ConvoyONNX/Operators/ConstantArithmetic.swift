import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Arithmetic on whole numbers from outside: what does not fit is refused.
enum Checked {
  static func sum(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    try checked(a.addingReportingOverflow(b))
  }

  static func difference(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    try checked(a.subtractingReportingOverflow(b))
  }

  static func negation(_ a: Int) throws(ConvoyError) -> Int { try difference(0, a) }

  static func magnitude(_ a: Int) throws(ConvoyError) -> Int { a < 0 ? try negation(a) : a }

  static func product(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    try checked(a.multipliedReportingOverflow(by: b))
  }

  static func product(of factors: some Sequence<Int>) throws(ConvoyError) -> Int {
    var result = 1
    for factor in factors { result = try product(result, factor) }
    return result
  }

  /// Rounded towards 0.
  static func quotient(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    try checked(a.dividedReportingOverflow(by: b))
  }

  /// With the divisor's sign, as in Python.
  static func remainder(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    let rest = try checked(a.remainderReportingOverflow(dividingBy: b))
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }

  private static func checked(_ result: (partialValue: Int, overflow: Bool)) throws(ConvoyError)
    -> Int
  {
    guard !result.overflow else { throw .refused("its integers overflow") }
    return result.partialValue
  }
}

// MARK: Evaluation

extension Conversions {
  /// Operators that compute, where the numbers are known.
  static let constantArithmetic: [String: Evaluating] = [
    "Add": binary(Checked.sum) { $0 + $1 },
    "Sub": binary(Checked.difference) { $0 - $1 },
    "Mul": binary(Checked.product) { $0 * $1 },
    "Div": binary(Checked.quotient) { $0 / $1 },
    "Max": binary(max, { max($0, $1) }),
    "Min": binary(min, { min($0, $1) }),
    "Mod": binary(Checked.remainder) { fmod($0, $1) },
    "Pow": binary(power) { pow($0, $1) },
    "Equal": comparison({ $0 == $1 }, { $0 == $1 }),
    "Greater": comparison({ $0 > $1 }, { $0 > $1 }),
    "Less": comparison({ $0 < $1 }, { $0 < $1 }),
    "GreaterOrEqual": comparison({ $0 >= $1 }, { $0 >= $1 }),
    "LessOrEqual": comparison({ $0 <= $1 }, { $0 <= $1 }),
    "And": binary({ $0 & $1 }, { $0 * $1 }), "Or": binary({ $0 | $1 }, { max($0, $1) }),
    "Not": unary({ $0 == 0 ? 1 : 0 }, { $0 }),
    "Neg": unary(Checked.negation) { -$0 },
    "Abs": unary(Checked.magnitude) { abs($0) },
    "Floor": unary({ $0 }, { $0.rounded(.down) }),
    "Ceil": unary({ $0 }, { $0.rounded(.up) }),
    "Sqrt": unary({ $0 }, { $0.squareRoot() }),
    "Cast": { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      let type = try site.castType()
      if case .floats = constant.elements, type.isFloating { return [constant] }
      try site.importer.spend(constant.count)
      return [try constant.cast(to: type)]
    },
    "Where": choice,
    "ReduceProd": product,
  ]

  private static func power(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    guard (0...64).contains(b) else { throw .refused("a power from 0 to 64 is expected, got \(b)") }
    return try Checked.product(of: repeatElement(a, count: b))
  }

  private static func unary(
    _ integers: @escaping @Sendable (Int) throws(ConvoyError) -> Int,
    _ floats: @escaping @Sendable (Float) -> Float
  ) -> Evaluating {
    { site in
      guard let constant = site.knownConstant(0) else { return nil }
      try site.importer.spend(constant.count)
      switch constant.elements {
      case .integers(let elements):
        return [ConstantTensor(constant.extents, .integers(try elements.map(integers)))]
      case .floats(let elements):
        return [ConstantTensor(constant.extents, .floats(elements.map(floats)))]
      }
    }
  }

  private static func binary(
    _ integers: @escaping @Sendable (Int, Int) throws(ConvoyError) -> Int,
    _ floats: @escaping @Sendable (Float, Float) -> Float
  ) -> Evaluating {
    { site in
      guard site.inputs.count == 2, let (a, b) = try site.broadcastPair(0, 1) else { return nil }
      switch (a.elements, b.elements) {
      case (.integers(let x), .integers(let y)):
        return [ConstantTensor(a.extents, .integers(try zip(x, y).map(integers)))]
      case (.floats(let x), .floats(let y)):
        return [ConstantTensor(a.extents, .floats(zip(x, y).map(floats)))]
      case (.floats(let x), .integers(let y)):
        return [ConstantTensor(a.extents, .floats(zip(x, y).map { floats($0, Float($1)) }))]
      case (.integers(let x), .floats(let y)):
        return [ConstantTensor(a.extents, .floats(zip(x, y).map { floats(Float($0), $1) }))]
      }
    }
  }

  private static func comparison(
    _ integers: @escaping @Sendable (Int, Int) -> Bool,
    _ floats: @escaping @Sendable (Float, Float) -> Bool
  ) -> Evaluating {
    { site throws(ConvoyError) in
      guard let (a, b) = try site.broadcastPair(0, 1) else { return nil }
      let truths: [Bool] =
        switch (a.elements, b.elements) {
        case (.integers(let x), .integers(let y)): zip(x, y).map(integers)
        case (.floats(let x), .floats(let y)): zip(x, y).map(floats)
        default: throw .refused("two tensors of one type are expected")
        }
      return [ConstantTensor(a.extents, .integers(truths.map { $0 ? 1 : 0 }))]
    }
  }

  private static let choice: Evaluating = { site throws(ConvoyError) in
    guard let condition = site.knownConstant(0), let (a, b) = try site.broadcastPair(1, 2) else {
      return nil
    }
    let extents = try broadcast(condition.extents, a.extents)
    let first = try a.repeated(to: extents, site.importer)
    let second = try b.repeated(to: extents, site.importer)
    let truths = try condition.repeated(to: extents, site.importer).integers()
    switch (first.elements, second.elements) {
    case (.integers(let x), .integers(let y)):
      return [
        ConstantTensor(extents, .integers(truths.indices.map { truths[$0] != 0 ? x[$0] : y[$0] }))
      ]
    case (.floats(let x), .floats(let y)):
      return [
        ConstantTensor(extents, .floats(truths.indices.map { truths[$0] != 0 ? x[$0] : y[$0] }))
      ]
    default: throw .refused("two tensors of one type are expected")
    }
  }

  /// The product of all elements: the size of a shape.
  private static let product: Evaluating = { site in
    guard let constant = site.knownConstant(0), !site.has(1), !site.attributes.has("axes") else {
      return nil
    }
    let extents =
      try site.attributes.flag("keepdims", default: true)
      ? constant.extents.map { _ throws(ConvoyError) in 1 } : []
    switch constant.elements {
    case .integers(let elements):
      return [ConstantTensor(extents, .integers([try Checked.product(of: elements)]))]
    case .floats(let elements):
      return [ConstantTensor(extents, .floats([elements.reduce(1, *)]))]
    }
  }
}

extension ImportSite {
  /// Two known inputs, repeated to one shape.
  fileprivate func broadcastPair(
    _ i: Int, _ j: Int
  ) throws(ConvoyError) -> (ConstantTensor, ConstantTensor)? {
    guard let a = knownConstant(i), let b = knownConstant(j) else { return nil }
    let extents = try Conversions.broadcast(a.extents, b.extents)
    try importer.spend(try ConstantTensor.count(of: extents))
    return (try a.repeated(to: extents, importer), try b.repeated(to: extents, importer))
  }
}

extension ConstantTensor {
  /// The numbers, whatever they are.
  var doubles: [Double] {
    switch elements {
    case .floats(let floats): floats.map { Double($0) }
    case .integers(let integers): integers.map { Double($0) }
    }
  }

  /// As another type; a float that no integer is near becomes the nearest there is.
  fileprivate func cast(to type: ElementType) throws(ConvoyError) -> ConstantTensor {
    switch elements {
    case .floats(let floats):
      if type.isFloating { return self }
      if type == .bool { return ConstantTensor(extents, .integers(floats.map { $0 != 0 ? 1 : 0 })) }
      guard floats.allSatisfy({ $0.magnitude < 0x1p62 }) else {
        throw .refused("its floats are no integers")
      }
      return ConstantTensor(extents, .integers(floats.map { Int($0) }))
    case .integers(let integers):
      if type.isFloating { return ConstantTensor(extents, .floats(integers.map { Float($0) })) }
      if type == .bool {
        return ConstantTensor(extents, .integers(integers.map { $0 != 0 ? 1 : 0 }))
      }
      return self
    }
  }
}
