import ConvoyTiles
import Testing

/// What vector verbs compute, on every machine that this one can be.
@Suite struct VectorVerbTests {
  static let units = WriterProbe.units

  /// The ways in which a last operand may be given.
  private static let forms = ["register", "memory", "repeated"]

  /// Runs a verb of two operands that come as the form says, for operands that meet in all pairs.
  private func forEachPair(
    _ unit: VectorUnit, _ form: String,
    _ verb: (WriterProbe, _ a: Vector, _ b: Operand) -> Vector,
    _ check: (_ a: Float, _ b: Float, _ result: Float) -> Void
  ) throws {
    for rotation in 0..<SpecialNumbers.some.count {
      let a = SpecialNumbers.some
      let b =
        form == "repeated"
        ? Array(repeating: a[rotation], count: 16) : SpecialNumbers.rotated(by: rotation)
      let probe = WriterProbe(unit)
      let got = try probe.run([a, b]) {
        let operand: Operand =
          switch form {
          case "register": .vector(probe.vectors[1])
          case "memory": .memory(probe.operand(1))
          default: .repeated(probe.operand(1))
          }
        probe.w.store(probe.result(0), verb(probe, probe.vectors[0], operand))
      }
      for lane in 0..<unit.lanes { check(a[lane], b[lane], got.results[0][lane]) }
    }
  }

  private func expected(_ operation: VectorOperation, _ a: Float, _ b: Float) -> Float {
    switch operation {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: a > b ? a : b
    case .minimum: a < b ? a : b
    case .and: Float(bitPattern: a.bitPattern & b.bitPattern)
    case .xor: Float(bitPattern: a.bitPattern ^ b.bitPattern)
    case .addIntegers: Float(bitPattern: a.bitPattern &+ b.bitPattern)
    case .subtractIntegers: Float(bitPattern: a.bitPattern &- b.bitPattern)
    }
  }

  @Test(arguments: units, forms) func arithmetic(_ unit: VectorUnit, _ form: String) throws {
    for operation in VectorOperation.allCases {
      try forEachPair(unit, form) { probe, a, b in
        probe.w.combine(operation, probe.vectors[5], a, b)
        return probe.vectors[5]
      } _: { a, b, result in
        #expect(isSame(result, expected(operation, a, b)), "\(a) \(operation) \(b) is \(result)")
      }
    }
  }

  @Test(arguments: units, forms) func fusedForms(_ unit: VectorUnit, _ form: String) throws {
    let third: Float = 0.3
    for fused in FusedForm.allCases {
      try forEachPair(unit, form) { probe, a, b in
        let d = probe.vectors[6]
        let constants = ConstantTable(probe.w, base: probe.integers[0])
        constants.load()
        probe.w.broadcast(d, constants.place(third))
        constants.lay()
        probe.w.fuse(fused, d, a, b)
        return d
      } _: { a, b, result in
        let want =
          switch fused {
          case .sum: third.addingProduct(a, b)
          case .difference: third.addingProduct(-a, b)
          case .product: b.addingProduct(a, third)
          case .negatedProduct: b.addingProduct(-a, third)
          }
        #expect(isSame(result, want), "\(fused) of \(third), \(a), \(b) is \(result)")
      }
    }
  }

  private func holds(_ relation: Condition.Relation, _ a: Float, _ b: Float) -> Bool {
    switch relation {
    case .equal: a == b
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    case .notLess: !(a < b)
    case .notLessOrEqual: !(a <= b)
    }
  }

  /// All choices by one condition: −7 where it holds, 0.25 elsewhere, or what the verb leaves there.
  @Test(arguments: units, forms) func choices(_ unit: VectorUnit, _ form: String) throws {
    for relation in Condition.Relation.allCases {
      for verb in ["select", "replace", "replace from memory", "keep", "add"] {
        try forEachPair(unit, form) { probe, a, b in
          let (d, s, other, mask) = (
            probe.vectors[5], probe.vectors[6], probe.vectors[7], probe.vectors[8]
          )
          let w = probe.w
          let constants = ConstantTable(w, base: probe.integers[0])
          constants.load()
          w.broadcast(s, constants.place(-7 as Float))
          w.broadcast(other, constants.place(0.25 as Float))
          w.broadcast(d, constants.place(0.25 as Float))
          let condition = Condition(a, relation, b)
          switch verb {
          case "select": w.select(d, .vector(s), where: condition, else: other, mask)
          case "replace": w.replace(d, .vector(s), where: condition, mask)
          case "replace from memory": w.replace(d, constants[-7], where: condition, mask)
          case "keep": w.keep(d, s, where: [condition], mask)
          default: w.add(d, s, where: condition, mask)
          }
          constants.lay()
          return d
        } _: { a, b, result in
          let (yes, no): (Float, Float) =
            switch verb {
            case "keep": (-7, 0)
            case "add": (-6.75, 0.25)
            default: (-7, 0.25)
            }
          let want = holds(relation, a, b) ? yes : no
          #expect(result == want, "\(verb) where \(a) \(relation) \(b) is \(result)")
        }
      }
    }
  }

  @Test(arguments: units) func lanesThatLieInARangeAreKept(_ unit: VectorUnit) throws {
    let probe = WriterProbe(unit)
    let numbers = SpecialNumbers.some
    let got = try probe.run([numbers]) {
      let (w, x, s, mask) = (probe.w, probe.vectors[0], probe.vectors[1], probe.vectors[2])
      let constants = ConstantTable(w, base: probe.integers[0])
      constants.load()
      w.broadcast(s, constants.place(9 as Float))
      w.keep(
        x, s,
        where: [Condition(x, .greater, constants[-1]), Condition(x, .lessOrEqual, constants[2])],
        mask)
      constants.lay()
      w.store(probe.result(0), x)
    }
    for (x, result) in zip(numbers, got.results[0]) {
      #expect(result == (x > -1 && x <= 2 ? 9 : 0), "\(x)")
    }
  }

  @Test(arguments: units) func negativesAreMultiplied(_ unit: VectorUnit) throws {
    let probe = WriterProbe(unit)
    let numbers = SpecialNumbers.some.map { $0.isNaN ? 3 : $0 }
    let got = try probe.run([numbers, Array(repeating: 0.5, count: 16)]) {
      probe.w.prepareMultiplyingNegatives(probe.vectors[3])
      probe.w.multiplyNegatives(probe.vectors[0], probe.vectors[1], probe.vectors[3])
      probe.w.store(probe.result(0), probe.vectors[0])
    }
    for (x, result) in zip(numbers, got.results[0]) { #expect(result == (x < 0 ? x / 2 : x)) }
  }

  @Test(arguments: units) func movesAndBits(_ unit: VectorUnit) throws {
    let probe = WriterProbe(unit)
    let numbers = (0..<16).map { Float($0) + 0.5 }
    let got = try probe.run([numbers], results: 7) {
      let (w, x, d) = (probe.w, probe.vectors[0], probe.vectors[9])
      w.broadcast(d, probe.operand(0) + 8)
      w.store(probe.result(0), d)
      w.copy(d, x)
      w.store(probe.result(1), d)
      w.clear(d)
      w.store(probe.result(2), d)
      w.squareRoot(d, x)
      w.store(probe.result(3), d)
      w.shift(d, x, by: 3)
      w.store(probe.result(4), d)
      w.shift(d, x, by: -23)
      w.store(probe.result(5), d)
      w.putAside(probe.result(6), x)
      w.takeBack(d, probe.result(6))
      w.store(probe.result(6), d)
      w.prefetch(probe.operand(0))
    }
    for (lane, x) in numbers.prefix(unit.lanes).enumerated() {
      let bits = Int32(bitPattern: x.bitPattern)
      let want = [
        2.5, x, 0, x.squareRoot(), Float(bitPattern: UInt32(bitPattern: bits << 3)),
        Float(bitPattern: UInt32(bitPattern: bits >> 23)), x,
      ]
      for (index, want) in want.enumerated() {
        #expect(isSame(got.results[index][lane], want), "result \(index), lane \(lane)")
      }
    }
  }
}
