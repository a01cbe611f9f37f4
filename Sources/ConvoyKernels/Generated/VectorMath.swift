import ConvoyTiles

/// Elementary functions of a vector register in generated code: what `LaneMath` is in Swift.
///
/// The same reductions, polynomials and special values, with products and sums rounded together; so the
/// errors are within the same bounds, which tests assert, while last bits may differ. A function
/// changes its register in place and overwrites the first few temporaries.
struct VectorMath {
  let w: any TileWriter
  /// Where constants stand.
  let constants: ConstantTable

  /// 1.5·2²³: adding it rounds to a whole number and leaves that in the low bits.
  private static let rounder: Float = 12_582_912

  /// x = eˣ, relative error below 2e-7; 0 below −87.3366. Three temporaries. See `LaneMath.exp`.
  func exp(_ x: Vector, using t: ArraySlice<Vector>) {
    let (shifted, n, r) = (t.at(0), t.at(1), t.at(2))
    load(shifted, VectorMath.rounder)
    w.multiplyAdd(shifted, x, constants[1.442_695_04])
    w.subtract(n, shifted, constants[VectorMath.rounder])
    w.copy(r, x)
    w.multiplySubtract(r, n, constants[0.693_359_375])
    w.multiplyAdd(r, n, constants[2.121_944_4e-4])
    let p = n
    polynomial(
      p, of: r,
      [
        1.987_569_15e-4, 1.398_199_95e-3, 8.333_451_9e-3, 4.166_579_6e-2, 1.666_666_55e-1,
        5.000_000_1e-1,
      ])
    // 1 + r + p·r², times 2ⁿ in the exponent.
    w.multiply(p, p, r)
    w.multiply(p, by: r, add: r)
    w.add(p, p, constants[1])
    w.shift(shifted, shifted, by: 23)
    w.combine(.addIntegers, p, p, shifted)
    let (mask, beyond) = (shifted, r)
    w.add(beyond, x, constants[.infinity])
    replace(p, with: constants[0], where: x, .less, constants[-87.336_54], mask)
    replace(p, with: beyond, where: x, .notLessOrEqual, constants[88.722_83], mask)
    w.copy(x, p)
  }

  /// x = the natural logarithm of x, relative error below 2e-7. Four temporaries. See `LaneMath.log`.
  func log(_ x: Vector, using t: ArraySlice<Vector>) {
    let (bits, exponent, other, mask) = (t.at(0), t.at(1), t.at(2), t.at(3))
    let leastNormal = constants[.leastNormalMagnitude]
    w.copy(bits, x)
    w.multiply(other, x, constants[0x1p23])
    replace(bits, with: other, where: x, .less, leastNormal, mask)
    // The mantissa is brought into √½…√2, so that the series below is short.
    let half = constants[bits: 0x3F35_04F3]
    w.combine(.subtractIntegers, bits, bits, half)
    w.shift(exponent, bits, by: -23)
    w.combine(.addIntegers, exponent, exponent, constants[bits: VectorMath.rounder.bitPattern])
    w.subtract(exponent, exponent, constants[VectorMath.rounder])
    w.subtract(other, exponent, constants[23])
    replace(exponent, with: other, where: x, .less, leastNormal, mask)
    w.combine(.and, bits, bits, constants[bits: 0x007F_FFFF])
    w.combine(.addIntegers, bits, bits, half)
    let (f, z, p) = (bits, other, mask)
    w.subtract(f, bits, constants[1])
    polynomial(
      p, of: f,
      [
        7.037_683_6e-2, -1.151_461e-1, 1.167_699_9e-1, -1.242_014_1e-1, 1.424_932_3e-1,
        -1.666_805_8e-1, 2.000_071_5e-1, -2.499_999_4e-1, 3.333_333_1e-1,
      ])
    // f + (p·f·z − z ∕ 2 − exponent · low) + exponent · high, with z = f²
    w.multiply(z, f, f)
    w.multiply(p, p, f)
    w.multiply(p, p, z)
    w.multiplySubtract(p, z, constants[0.5])
    w.multiplySubtract(p, exponent, constants[2.121_944_4e-4])
    w.add(f, f, p)
    w.multiplyAdd(f, exponent, constants[0.693_359_375])
    // Infinity stays, and what is not a number.
    replace(f, with: x, where: x, .notLess, constants[.infinity], mask)
    replace(f, with: constants[-.infinity], where: x, .equal, constants[0], mask)
    replace(f, with: constants[.nan], where: x, .less, constants[0], mask)
    w.copy(x, f)
  }

  /// x = 1 ∕ (1 + e⁻ˣ), relative error below 3e-7. Three temporaries.
  func sigmoid(_ x: Vector, using t: ArraySlice<Vector>) {
    w.combine(.xor, x, x, constants[-0.0])
    exp(x, using: t)
    w.add(x, x, constants[1])
    let one = t.at(0)
    load(one, 1)
    w.divide(x, one, x)
  }

  /// y = 1 ∕ (1 + e⁻ˣ), absolute error below 3e-7; y is the first of four temporaries, and x stays. See
  /// `LaneMath.gate`.
  func gate(_ x: Vector, using t: ArraySlice<Vector>) {
    oddQuotient(
      x, using: t, limit: LaneMath.gateLimit,
      [4.424_156e-8, 4.594_460_6e-5, 8.072_036e-3, 0.249_999_87],
      over: [9.486_296e-10, 3.706_973_3e-6, 1.485_672_4e-3, 0.115_620_95, 1])
  }

  /// x = tanh x, relative error below 3e-7. Four temporaries. See `LaneMath.tanh`.
  func tanh(_ x: Vector, using t: ArraySlice<Vector>) {
    let far = t.at(0)
    w.add(far, x, x)
    exp(far, using: t.dropFirst())
    w.add(far, far, constants[1])
    let (two, z, near, size) = (t.at(1), t.at(1), t.at(2), t.at(3))
    load(two, 2)
    w.divide(far, two, far)
    load(two, 1)
    w.subtract(far, two, far)
    w.multiply(z, x, x)
    polynomial(
      near, of: z,
      [-5.704_988_7e-3, 2.063_908_9e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328_2e-1])
    // x + x·z·p
    w.multiply(z, z, x)
    w.multiply(near, by: z, add: x)
    w.combine(.and, size, x, constants[bits: 0x7FFF_FFFF])
    replace(near, with: far, where: size, .notLess, constants[0.625], z)
    w.copy(x, near)
  }

  /// y = Φ(x), the normal distribution's cumulative function, absolute error below 3e-7; y is the first
  /// of four temporaries, and x stays. See `LaneMath.normalCDF`.
  func normalCDF(_ x: Vector, using t: ArraySlice<Vector>) {
    oddQuotient(
      x, using: t, limit: LaneMath.normalLimit,
      [2.343_168e-8, 6.349_619e-6, 1.633_992e-4, 4.645_332_2e-3, 3.328_605_4e-2, 0.398_942_26],
      over: [1.217_114_9e-6, 7.208_083_1e-5, 1.853_852_8e-3, 2.832_868_9e-2, 0.250_102_01, 1])
  }

  /// y = ½ + x·p(x²) ∕ q(x²) up to a limit, 0 below its negative.
  private func oddQuotient(
    _ x: Vector, using t: ArraySlice<Vector>, limit: Float,
    _ numerator: [Float], over denominator: [Float]
  ) {
    let (p, q, z, near) = (t.at(0), t.at(1), t.at(2), t.at(3))
    // What is not a number may become one here: the product with x is none.
    w.maximum(near, x, constants[-limit])
    w.minimum(near, near, constants[limit])
    w.multiply(z, near, near)
    polynomial(p, of: z, numerator)
    polynomial(q, of: z, denominator)
    w.divide(p, p, q)
    w.multiply(p, by: near, add: constants[0.5])
    replace(p, with: constants[0], where: x, .less, constants[-limit], q)
  }
}

// MARK: - The steps of formulas

extension VectorMath {
  /// d = a number in all lanes.
  func load(_ d: Vector, _ number: Float) {
    w.broadcast(d, constants.place(number))
  }

  /// p = a polynomial of x, by Horner's rule; the coefficient of the highest power comes first.
  func polynomial(_ p: Vector, of x: Vector, _ coefficients: [Float]) {
    load(p, coefficients[0])
    for coefficient in coefficients.dropFirst() {
      w.multiply(p, by: x, add: constants[coefficient])
    }
  }

  /// d = s in the lanes where a comparison holds; a register may be needed for the lanes.
  func replace(
    _ d: Vector, with s: some OperandConvertible, where x: Vector,
    _ relation: Condition.Relation, _ bound: Operand, _ mask: Vector
  ) {
    w.replace(d, s.operand, where: Condition(x, relation, bound), mask)
  }
}

extension ArraySlice {
  /// The element that many places from the first.
  func at(_ offset: Int) -> Element { self[startIndex + offset] }
}
