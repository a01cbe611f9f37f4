/// Comparisons, and selections by their results.
extension X86.Assembler {
  /// `d[i] = c[i] is negative ? b[i] : a[i]`; VEX only.
  public func vblendvps(
    _ d: VectorRegister, _ a: VectorRegister, _ b: VectorRegister, _ c: VectorRegister
  ) {
    requireWidth("vblendvps", d.width, a, b, c)
    blend(d, a, .register(b.number), c) { "\(b)" }
  }

  /// `d[i] = c[i] is negative ? b[i] : a[i]`, `b` being in memory; VEX only.
  public func vblendvps(
    _ d: VectorRegister, _ a: VectorRegister, _ b: Memory, _ c: VectorRegister
  ) {
    requireWidth("vblendvps", d.width, a, c)
    blend(d, a, .memory(b), c) { b.text(d.width) }
  }

  /// `d[i] = mask[i] ? b[i] : a[i]`, or `mask[i] ? b[i] : 0` when zeroing; EVEX only.
  ///
  /// Without a mask, `d = b`.
  public var vblendmps: ThreeOperands { three(.x66, .x0F38, 0x65, .evex) }
  /// `d[i] = bit i of immediate ? b[i] : a[i]`; VEX only.
  public var vblendps: ThreeOperandsAndImmediate { threeAndImmediate(.x66, .x0F3A, 0x0C, .vex) }

  /// `d[i] = a[i] predicate b[i]`, all bits set where it holds; VEX only.
  public func vcmpps(
    _ d: VectorRegister, _ a: VectorRegister, _ b: VectorRegister, _ predicate: Comparison
  ) {
    threeAndImmediate(.none, .x0F, 0xC2, .vex, name: "vcmpps")(d, a, b, predicate.rawValue)
  }

  /// `d[i] = a[i] predicate b[i]`, all bits set where it holds, `b` being in memory; VEX only.
  public func vcmpps(
    _ d: VectorRegister, _ a: VectorRegister, _ b: Memory, _ predicate: Comparison
  ) {
    threeAndImmediate(.none, .x0F, 0xC2, .vex, name: "vcmpps")(d, a, b, predicate.rawValue)
  }

  /// `d[i] = a[i] predicate b[i]`, a bit a lane; EVEX only.
  ///
  /// - Parameter mask: Lanes outside it give 0.
  public func vcmpps(
    _ d: MaskRegister, _ a: VectorRegister, _ b: VectorRegister, _ predicate: Comparison,
    mask: MaskRegister? = nil
  ) {
    requireWidth("vcmpps", a.width, b)
    compare(d, a, .register(b.number), predicate, mask) { "\(b)" }
  }

  /// `d[i] = a[i] predicate b[i]`, a bit a lane, `b` being in memory; EVEX only.
  ///
  /// - Parameter mask: Lanes outside it give 0.
  public func vcmpps(
    _ d: MaskRegister, _ a: VectorRegister, _ b: Memory, _ predicate: Comparison,
    mask: MaskRegister? = nil
  ) {
    compare(d, a, .memory(b), predicate, mask) { b.text(a.width) }
  }

  private func blend(
    _ d: VectorRegister, _ a: VectorRegister, _ b: RegisterOrMemory, _ c: VectorRegister,
    source: () -> String
  ) {
    let opcode = VectorOpcode("vblendvps", .x66, .x0F3A, 0x4A, .vex)
    precondition(c.number < 16, "vblendvps has registers 0 to 15 only, but got \(c)")
    // The fourth register is in the upper half of the immediate.
    let fields = VectorFields(
      width: d.width, reg: d.number, vvvv: a.number, rm: b, immediate: c.number << 4)
    append(opcode, fields) { ["\(d)", "\(a)", source(), "\(c)"] }
  }

  private func compare(
    _ d: MaskRegister, _ a: VectorRegister, _ b: RegisterOrMemory, _ predicate: Comparison,
    _ mask: MaskRegister?, source: () -> String
  ) {
    let opcode = VectorOpcode("vcmpps", .none, .x0F, 0xC2, .evex)
    let masking = mask.map { Masking.merging($0) }
    let fields = VectorFields(
      width: a.width, reg: d.number, vvvv: a.number, rm: b, mask: masking,
      immediate: predicate.rawValue)
    append(opcode, fields) { [text(d, masking), "\(a)", source(), "\(predicate.rawValue)"] }
  }
}

extension X86 {
  /// The predicate of `vcmpps`; the raw value is its immediate.
  ///
  /// All are quiet: NaN raises no exception. Where one operand is NaN, `notEqual`, `unordered` and
  /// those that begin with `not` hold, and the others do not.
  public enum Comparison: UInt8, CaseIterable, Sendable {
    /// `a == b`.
    case equal = 0x00
    /// `a < b`.
    case less = 0x11
    /// `a <= b`.
    case lessOrEqual = 0x12
    /// One of them is NaN.
    case unordered = 0x03
    /// `a != b`, or one of them is NaN.
    case notEqual = 0x04
    /// `!(a < b)`.
    case notLess = 0x15
    /// `!(a <= b)`.
    case notLessOrEqual = 0x16
    /// Neither is NaN.
    case ordered = 0x07
    /// `a >= b`.
    case greaterOrEqual = 0x1D
    /// `a > b`.
    case greater = 0x1E
  }
}
