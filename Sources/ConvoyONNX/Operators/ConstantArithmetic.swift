import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// MARK: Evaluation

extension Conversions {
  /// Operators that compute, where the numbers are known. Integers wrap around in their type.
  static let constantArithmetic: [String: Evaluating] = [
    "Add": binary({ $0 &+ $1 }) { $0 + $1 },
    "Sub": binary({ $0 &- $1 }) { $0 - $1 },
    "Mul": binary({ $0 &* $1 }) { $0 * $1 },
    "Div": binary(quotient) { $0 / $1 },
    "Max": binary(max) { max($0, $1) },
    "Min": binary(min) { min($0, $1) },
    "Mod": binary(remainder) { fmod($0, $1) },
    "Pow": binary(power) { pow($0, $1) },
    "And": binary({ $0 & $1 }) { $0 * $1 },
    "Or": binary({ $0 | $1 }) { max($0, $1) },
    "Not": unary({ $0 == 0 ? 1 : 0 }, { $0 }),
    "Neg": unary({ 0 &- $0 }, { -$0 }),
    "Abs": unary({ $0 < 0 ? 0 &- $0 : $0 }, { abs($0) }),
    "Floor": unary({ $0 }, { $0.rounded(.down) }),
    "Ceil": unary({ $0 }, { $0.rounded(.up) }),
    "Equal": withoutElements(.bool), "Where": withoutElements(nil),
    "ReduceProd": product,
  ]

  /// Rounded towards 0.
  private static func quotient(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    guard b != 0 else { throw .refused("it divides by 0") }
    return a.dividedReportingOverflow(by: b).partialValue
  }

  /// With the divisor's sign, as in Python.
  private static func remainder(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    guard b != 0 else { throw .refused("it divides by 0") }
    let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
  }

  private static func power(_ a: Int, _ b: Int) throws(ConvoyError) -> Int {
    guard (0...64).contains(b) else { throw .refused("a power from 0 to 64 is expected, got \(b)") }
    return repeatElement(a, count: b).reduce(1, &*)
  }

  private static func unary(
    _ integers: @escaping @Sendable (Int) -> Int,
    _ floats: @escaping @Sendable (Float) -> Float
  ) -> Evaluating {
    { site throws(ConvoyError) in
      guard let constant = site.knownConstant(0) else { return nil }
      try site.importer.spend(constant.count)
      if constant.type.isFloating {
        return [ConstantTensor(constant.extents, try constant.floats().map(floats))]
      }
      let numbers = try constant.integers().map(integers)
      return [ConstantTensor(constant.extents, integers: numbers, constant.type)]
    }
  }

  private static func binary(
    _ integers: @escaping @Sendable (Int, Int) throws(ConvoyError) -> Int,
    _ floats: @escaping @Sendable (Float, Float) -> Float
  ) -> Evaluating {
    { site throws(ConvoyError) in
      guard site.inputs.count == 2, let (a, b) = try site.broadcastPair(0, 1) else { return nil }
      guard a.type.isFloating || b.type.isFloating else {
        let (x, y) = (try a.integers(), try b.integers())
        let numbers = try x.indices.map { index throws(ConvoyError) in
          try integers(x[index], y[index])
        }
        return [ConstantTensor(a.extents, integers: numbers, a.type)]
      }
      let (x, y) = (a.converted(to: .float32), b.converted(to: .float32))
      return [ConstantTensor(a.extents, zip(try x.floats(), try y.floats()).map(floats))]
    }
  }

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
