/// Mask registers: moves of 16 bits.
extension X86.Assembler {
  /// Copies 16 bits of a mask register.
  public func kmovw(_ d: MaskRegister, _ s: MaskRegister) {
    appendMaskMove(0x90, d.number, .register(s.number)) { ["\(d)", "\(s)"] }
  }

  /// Loads 16 bits.
  public func kmovw(_ d: MaskRegister, _ s: Memory) {
    appendMaskMove(0x90, d.number, .memory(s)) { ["\(d)", s.text] }
  }

  /// Stores 16 bits.
  public func kmovw(_ d: Memory, _ s: MaskRegister) {
    appendMaskMove(0x91, s.number, .memory(d)) { [d.text, "\(s)"] }
  }

  /// A mask register = the low 16 bits of a 32-bit general register.
  public func kmovw(_ d: MaskRegister, _ s: GeneralRegister) {
    require32Bits("kmovw", s)
    appendMaskMove(0x92, d.number, .register(s.number)) { ["\(d)", "\(s)"] }
  }

  /// A 32-bit general register = a mask register's 16 bits.
  public func kmovw(_ d: GeneralRegister, _ s: MaskRegister) {
    require32Bits("kmovw", d)
    appendMaskMove(0x93, d.number, .register(s.number)) { ["\(d)", "\(s)"] }
  }

  private func appendMaskMove(
    _ byte: UInt8, _ reg: UInt8, _ rm: RegisterOrMemory, text: () -> [String]
  ) {
    let opcode = VectorOpcode("kmovw", .none, .x0F, byte, .vex, memory: .bytes(2))
    append(opcode, VectorFields(width: .xmm, reg: reg, rm: rm), text: text)
  }
}

/// Stops the program unless a general register is used as 32 bits.
func require32Bits(_ name: String, _ register: X86.GeneralRegister) {
  precondition(register.is32Bits, "\(name) expects a 32-bit register, but got \(register)")
}
