import ConvoyAssembler

// Choices by lane. With AVX-512, a comparison's result is in a mask register, k1; with AVX2, it is
// in a vector register, in all bits of a lane.
extension X86Writer {
  package func select(
    _ d: Vector, _ s: Operand, where condition: Condition, else other: Vector, _ mask: Vector
  ) {
    if hasMasks {
      compare(condition)
      append(a.vblendmps, d, other, s, mask: .merging(truth))
    } else {
      compare(condition, into: mask)
      blend(d, other, s, mask)
    }
  }

  package func replace(_ d: Vector, _ s: Operand, where condition: Condition, _ mask: Vector) {
    if hasMasks, case .vector(let s) = s {
      compare(condition)
      a.vmovaps(register(d), register(s), mask: .merging(truth))
    } else {
      select(d, s, where: condition, else: d, mask)
    }
  }

  package func keep(_ d: Vector, _ s: Vector, where conditions: [Condition], _ mask: Vector) {
    precondition(1...2 ~= conditions.count, "lanes are kept by one condition or two")
    if hasMasks {
      compare(conditions[0])
      for condition in conditions.dropFirst() { compare(condition, where: truth) }
      a.vmovaps(register(d), register(s), mask: .zeroing(truth))
    } else {
      for condition in conditions.dropLast() { compare(condition, into: mask) }
      compare(conditions[conditions.count - 1], into: d)
      if conditions.count > 1 { combine(.and, d, d, .vector(mask)) }
      combine(.and, d, d, .vector(s))
    }
  }

  package func add(_ d: Vector, _ s: Vector, where condition: Condition, _ mask: Vector) {
    if hasMasks {
      compare(condition)
      append(a.vaddps, d, d, .vector(s), mask: .merging(truth))
    } else {
      compare(condition, into: mask)
      combine(.and, mask, mask, .vector(s))
      combine(.add, d, d, .vector(mask))
    }
  }

  package func prepareMultiplyingNegatives(_ mask: Vector) {
    // The zero that numbers are compared with.
    if hasMasks { clear(mask) }
  }

  package func multiplyNegatives(_ d: Vector, _ s: Vector, _ mask: Vector) {
    if hasMasks {
      compare(Condition(d, .lessOrEqual, mask))
      append(a.vmulps, d, d, .vector(s), mask: .merging(truth))
    } else {
      // The sign bit of the number selects the lane; for 0, both are equal.
      combine(.multiply, mask, d, .vector(s))
      blend(d, d, .vector(mask), d)
    }
  }

  /// k1 = the lanes where a condition holds, restricted to those in a mask if there is one.
  private func compare(_ condition: Condition, where mask: X86.MaskRegister? = nil) {
    let (left, relation) = (register(condition.left), condition.relation.comparison)
    switch condition.right {
    case .vector(let right): a.vcmpps(truth, left, register(right), relation, mask: mask)
    case .memory(let place): a.vcmpps(truth, left, memory(place), relation, mask: mask)
    case .repeated(let place): a.vcmpps(truth, left, repeated(place), relation, mask: mask)
    }
  }

  /// d = all bits set in the lanes where a condition holds; AVX2.
  private func compare(_ condition: Condition, into d: Vector) {
    let (d, left) = (register(d), register(condition.left))
    switch condition.right {
    case .vector(let right): a.vcmpps(d, left, register(right), condition.relation.comparison)
    case .memory(let place), .repeated(let place):
      a.vcmpps(d, left, memory(place), condition.relation.comparison)
    }
  }

  /// d = s in the lanes where a mask is negative, other elsewhere; AVX2.
  private func blend(_ d: Vector, _ other: Vector, _ s: Operand, _ mask: Vector) {
    let (d, other, mask) = (register(d), register(other), register(mask))
    switch s {
    case .vector(let s): a.vblendvps(d, other, register(s), mask)
    case .memory(let place), .repeated(let place): a.vblendvps(d, other, memory(place), mask)
    }
  }
}

extension Condition.Relation {
  /// The predicate of `vcmpps`.
  fileprivate var comparison: X86.Comparison {
    switch self {
    case .equal: .equal
    case .less: .less
    case .lessOrEqual: .lessOrEqual
    case .greater: .greater
    case .notLess: .notLess
    case .notLessOrEqual: .notLessOrEqual
    }
  }
}
