/// Loads, stores and broadcasts.
extension X86.Assembler {
  /// Loads, stores or copies a vector, at any address.
  public var vmovups: Move { move(load: 0x10, store: 0x11) }
  /// Loads, stores or copies a vector, at addresses that are multiples of its size.
  public var vmovaps: Move { move(load: 0x28, store: 0x29) }

  /// Loads a float into lane 0; the other lanes become 0.
  public func vmovss(_ d: VectorRegister, _ s: Memory, mask: Masking? = nil) {
    requireWidth("vmovss", .xmm, d)
    let fields = VectorFields(width: .xmm, reg: d.number, rm: .memory(s), mask: mask)
    append(scalarMove(0x10), fields) { [text(d, mask), s.text] }
  }

  /// Stores lane 0.
  public func vmovss(_ d: Memory, _ s: VectorRegister, mask: Masking? = nil) {
    requireWidth("vmovss", .xmm, s)
    requireNoZeroing("vmovss", mask)
    let fields = VectorFields(width: .xmm, reg: s.number, rm: .memory(d), mask: mask)
    append(scalarMove(0x11), fields) { [text(d.text, mask), "\(s)"] }
  }

  /// Loads the lanes of a vector whose mask is negative; the others become 0; VEX only.
  ///
  /// Memory of lanes that are not loaded is not accessed.
  public func vmaskmovps(_ d: VectorRegister, _ mask: VectorRegister, _ s: Memory) {
    requireWidth("vmaskmovps", d.width, mask)
    let fields = VectorFields(width: d.width, reg: d.number, vvvv: mask.number, rm: .memory(s))
    append(maskedMove(0x2C), fields) { ["\(d)", "\(mask)", s.text] }
  }

  /// Stores the lanes of a vector whose mask is negative; VEX only.
  public func vmaskmovps(_ d: Memory, _ mask: VectorRegister, _ s: VectorRegister) {
    requireWidth("vmaskmovps", s.width, mask)
    let fields = VectorFields(width: s.width, reg: s.number, vvvv: mask.number, rm: .memory(d))
    append(maskedMove(0x2E), fields) { [d.text, "\(mask)", "\(s)"] }
  }

  /// All lanes = one float: lane 0 of an `xmm`, or memory.
  public var vbroadcastss: TwoOperands {
    two(.x66, .x0F38, 0x18, memory: .bytes(4), source: { _ in .xmm })
  }
  /// All lanes = one 32-bit integer: lane 0 of an `xmm`, or memory.
  public var vpbroadcastd: TwoOperands {
    two(.x66, .x0F38, 0x58, memory: .bytes(4), source: { _ in .xmm })
  }

  /// All lanes = a 32-bit general register; EVEX only.
  public func vpbroadcastd(_ d: VectorRegister, _ s: GeneralRegister, mask: Masking? = nil) {
    require32Bits("vpbroadcastd", s)
    let opcode = VectorOpcode("vpbroadcastd", .x66, .x0F38, 0x7C, .evex)
    let fields = VectorFields(width: d.width, reg: d.number, rm: .register(s.number), mask: mask)
    append(opcode, fields) { [text(d, mask), "\(s)"] }
  }

  /// Both halves = 128 bits of memory; 256 bits, VEX only.
  public func vbroadcastf128(_ d: VectorRegister, _ s: Memory) {
    let opcode = VectorOpcode(
      "vbroadcastf128", .x66, .x0F38, 0x1A, .vex, memory: .bytes(16), widths: .ymm ... .ymm)
    let fields = VectorFields(width: d.width, reg: d.number, rm: .memory(s))
    append(opcode, fields) { ["\(d)", s.text] }
  }

  /// Every two lanes = 64 bits of memory; 256 and 512 bits, AVX-512DQ.
  public func vbroadcastf32x2(_ d: VectorRegister, _ s: Memory, mask: Masking? = nil) {
    let opcode = VectorOpcode(
      "vbroadcastf32x2", .x66, .x0F38, 0x19, .evex, memory: .bytes(8), widths: .ymm ... .zmm)
    let fields = VectorFields(width: d.width, reg: d.number, rm: .memory(s), mask: mask)
    append(opcode, fields) { [text(d, mask), s.text] }
  }

  /// Every four lanes = 128 bits of memory; 256 and 512 bits, EVEX only.
  public func vbroadcastf32x4(_ d: VectorRegister, _ s: Memory, mask: Masking? = nil) {
    let opcode = VectorOpcode(
      "vbroadcastf32x4", .x66, .x0F38, 0x1A, .evex, memory: .bytes(16), widths: .ymm ... .zmm)
    let fields = VectorFields(width: d.width, reg: d.number, rm: .memory(s), mask: mask)
    append(opcode, fields) { [text(d, mask), s.text] }
  }

  /// Both halves = 256 bits of memory; 512 bits, AVX-512DQ.
  public func vbroadcastf32x8(_ d: VectorRegister, _ s: Memory, mask: Masking? = nil) {
    let opcode = VectorOpcode(
      "vbroadcastf32x8", .x66, .x0F38, 0x1B, .evex, memory: .bytes(32), widths: .zmm ... .zmm)
    let fields = VectorFields(width: d.width, reg: d.number, rm: .memory(s), mask: mask)
    append(opcode, fields) { [text(d, mask), s.text] }
  }

  /// Lane 0 = a 32-bit general register; the other lanes become 0.
  public func vmovd(_ d: VectorRegister, _ s: GeneralRegister) {
    requireWidth("vmovd", .xmm, d)
    require32Bits("vmovd", s)
    let opcode = VectorOpcode("vmovd", .x66, .x0F, 0x6E)
    let fields = VectorFields(width: .xmm, reg: d.number, rm: .register(s.number))
    append(opcode, fields) { ["\(d)", "\(s)"] }
  }

  /// Clears all but the low 128 bits of registers 0…15.
  ///
  /// Necessary before returning to code that may use SSE, since transitions are slow otherwise.
  public func vzeroupper() {
    list { "vzeroupper" }
    for byte: UInt8 in [0xC5, 0xF8, 0x77] { append(byte) }
  }

  private func move(load: UInt8, store: UInt8, name: String = #function) -> Move {
    Move(
      assembler: self,
      load: VectorOpcode(name, .none, .x0F, load, memory: .vector),
      store: VectorOpcode(name, .none, .x0F, store, memory: .vector))
  }

  private func scalarMove(_ byte: UInt8) -> VectorOpcode {
    VectorOpcode("vmovss", .xF3, .x0F, byte, memory: .bytes(4))
  }

  private func maskedMove(_ byte: UInt8) -> VectorOpcode {
    VectorOpcode("vmaskmovps", .x66, .x0F38, byte, .vex)
  }
}

extension X86 {
  /// An instruction that loads, stores or copies a vector.
  public struct Move {
    let assembler: Assembler
    let load: VectorOpcode
    let store: VectorOpcode

    /// Copies a register.
    public func callAsFunction(_ d: VectorRegister, _ s: VectorRegister, mask: Masking? = nil) {
      requireWidth(load.name, d.width, s)
      let fields = VectorFields(width: d.width, reg: d.number, rm: .register(s.number), mask: mask)
      assembler.append(load, fields) { [text(d, mask), "\(s)"] }
    }

    /// Loads.
    public func callAsFunction(_ d: VectorRegister, _ s: Memory, mask: Masking? = nil) {
      let fields = VectorFields(width: d.width, reg: d.number, rm: .memory(s), mask: mask)
      assembler.append(load, fields) { [text(d, mask), s.text] }
    }

    /// Stores; a mask leaves memory of the other lanes unchanged.
    public func callAsFunction(_ d: Memory, _ s: VectorRegister, mask: Masking? = nil) {
      requireNoZeroing(store.name, mask)
      let fields = VectorFields(width: s.width, reg: s.number, rm: .memory(d), mask: mask)
      assembler.append(store, fields) { [text(d.text, mask), "\(s)"] }
    }
  }
}

/// Stops the program if a store has a zeroing mask, which does not exist.
func requireNoZeroing(_ name: String, _ mask: X86.Masking?) {
  precondition(mask?.zeroes != true, "\(name) to memory can merge by a mask, but not zero")
}
