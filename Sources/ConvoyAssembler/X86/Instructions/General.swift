/// Instructions of general registers. Operands have 64 bits, or 32 if the register has.
extension X86.Assembler {
  /// `d = s`.
  public func mov(_ d: GeneralRegister, _ s: GeneralRegister) {
    requireSameWidth("mov", d, s)
    general("mov", [0x89], d, s.number, .register(d.number)) { ["\(d)", "\(s)"] }
  }

  /// Loads.
  public func mov(_ d: GeneralRegister, _ s: Memory) {
    general("mov", [0x8B], d, d.number, .memory(s)) { ["\(d)", s.text] }
  }

  /// Stores.
  public func mov(_ d: Memory, _ s: GeneralRegister) {
    general("mov", [0x89], s, s.number, .memory(d)) { [d.text, "\(s)"] }
  }

  /// `d = value`, by the shortest instruction.
  public func mov(_ d: GeneralRegister, _ value: Int) {
    if let short = UInt32(exactly: value) {
      // Writing the low 32 bits clears the upper ones.
      list { "mov \(d.low32), \(short)" }
      appendGeneral(0xB8, wide: false, plus: d)
      append(littleEndian: short)
    } else if !d.is32Bits, let signed = Int32(exactly: value) {
      general("mov", [0xC7], d, 0, .register(d.number)) { ["\(d)", "\(signed)"] }
      append(littleEndian: signed)
    } else {
      precondition(!d.is32Bits, "\(value) does not fit \(d), which takes 0 to 2³²-1")
      list { "movabs \(d), \(value)" }
      appendGeneral(0xB8, wide: true, plus: d)
      append(littleEndian: value)
    }
  }

  /// `d` = the address itself; memory is not accessed, and flags are kept.
  public func lea(_ d: GeneralRegister, _ s: Memory) {
    precondition(!d.is32Bits, "lea expects a 64-bit register, but got \(d)")
    general("lea", [0x8D], d, d.number, .memory(s)) { ["\(d)", s.text] }
  }

  /// `d` = the address of a label, independent of the address of the code.
  public func lea(_ d: GeneralRegister, _ s: Label) {
    precondition(!d.is32Bits, "lea expects a 64-bit register, but got \(d)")
    list { "lea \(d), [rip + \(s)]" }
    appendREX(wide: true, r: bit3(d.number), x: 0, b: 0)
    append(0x8D)
    append((d.number & 7) << 3 | 5)
    appendDistance(to: s)
  }

  /// `d += s`.
  public var add: IntegerOperation { IntegerOperation(assembler: self, name: "add", digit: 0) }
  /// `d |= s`.
  public var or: IntegerOperation { IntegerOperation(assembler: self, name: "or", digit: 1) }
  /// `d &= s`.
  public var and: IntegerOperation { IntegerOperation(assembler: self, name: "and", digit: 4) }
  /// `d -= s`.
  public var sub: IntegerOperation { IntegerOperation(assembler: self, name: "sub", digit: 5) }
  /// `d ^= s`.
  public var xor: IntegerOperation { IntegerOperation(assembler: self, name: "xor", digit: 6) }
  /// Sets the flags as `d - s` does.
  public var cmp: IntegerOperation { IntegerOperation(assembler: self, name: "cmp", digit: 7) }

  /// Sets the flags as `a & b` does.
  public func test(_ a: GeneralRegister, _ b: GeneralRegister) {
    requireSameWidth("test", a, b)
    general("test", [0x85], a, b.number, .register(a.number)) { ["\(a)", "\(b)"] }
  }

  /// `d *= s`, the low bits.
  public func imul(_ d: GeneralRegister, _ s: GeneralRegister) {
    requireSameWidth("imul", d, s)
    general("imul", [0x0F, 0xAF], d, d.number, .register(s.number)) { ["\(d)", "\(s)"] }
  }

  /// `d = s · value`, the low bits.
  public func imul(_ d: GeneralRegister, _ s: GeneralRegister, _ value: Int) {
    requireSameWidth("imul", d, s)
    let value = int32("imul", value)
    let byte = Int8(exactly: value)
    general("imul", [byte == nil ? 0x69 : 0x6B], d, d.number, .register(s.number)) {
      ["\(d)", "\(s)", "\(value)"]
    }
    if let byte { append(littleEndian: byte) } else { append(littleEndian: value) }
  }

  /// `d += 1`; the carry flag is kept.
  public func inc(_ d: GeneralRegister) {
    general("inc", [0xFF], d, 0, .register(d.number)) { ["\(d)"] }
  }

  /// `d -= 1`; the carry flag is kept.
  public func dec(_ d: GeneralRegister) {
    general("dec", [0xFF], d, 1, .register(d.number)) { ["\(d)"] }
  }

  /// `d = -d`.
  public func neg(_ d: GeneralRegister) {
    general("neg", [0xF7], d, 3, .register(d.number)) { ["\(d)"] }
  }

  /// `d <<= count`.
  public func shl(_ d: GeneralRegister, _ count: UInt8) { shift("shl", 4, d, count) }

  /// `d >>= count`, unsigned.
  public func shr(_ d: GeneralRegister, _ count: UInt8) { shift("shr", 5, d, count) }

  /// `d >>= count`, signed.
  public func sar(_ d: GeneralRegister, _ count: UInt8) { shift("sar", 7, d, count) }

  private func shift(_ name: String, _ digit: UInt8, _ d: GeneralRegister, _ count: UInt8) {
    precondition(count < (d.is32Bits ? 32 : 64), "\(name) cannot shift \(d) by \(count)")
    let opcode: UInt8 = count == 1 ? 0xD1 : 0xC1
    general(name, [opcode], d, digit, .register(d.number)) { ["\(d)", "\(count)"] }
    if count != 1 { append(count) }
  }

  /// Lists and appends an instruction; `sized` is the register that determines the width of the
  /// operands.
  func general(
    _ name: String, _ opcode: [UInt8], _ sized: GeneralRegister, _ field: UInt8,
    _ rm: RegisterOrMemory, text: () -> [String]
  ) {
    list { "\(name) \(text().joined(separator: ", "))" }
    appendGeneral(opcode, wide: !sized.is32Bits, field, rm)
  }
}

extension X86 {
  /// An instruction of two operands of the original x86 table; `digit` is its row there.
  public struct IntegerOperation {
    let assembler: Assembler
    let name: String
    let digit: UInt8

    /// Appends the instruction; both operands are registers.
    public func callAsFunction(_ d: GeneralRegister, _ s: GeneralRegister) {
      requireSameWidth(name, d, s)
      append(digit << 3 | 1, d, s.number, .register(d.number)) { ["\(d)", "\(s)"] }
    }

    /// Appends the instruction; the second operand is in memory.
    public func callAsFunction(_ d: GeneralRegister, _ s: Memory) {
      append(digit << 3 | 3, d, d.number, .memory(s)) { ["\(d)", s.text] }
    }

    /// Appends the instruction; the first operand is in memory.
    public func callAsFunction(_ d: Memory, _ s: GeneralRegister) {
      append(digit << 3 | 1, s, s.number, .memory(d)) { [d.text, "\(s)"] }
    }

    /// Appends the instruction; the second operand is a constant.
    public func callAsFunction(_ d: GeneralRegister, _ value: Int) {
      let value = int32(name, value)
      if let byte = Int8(exactly: value) {
        append(0x83, d, digit, .register(d.number)) { ["\(d)", "\(value)"] }
        assembler.append(littleEndian: byte)
      } else if d.number == 0 {
        // The accumulator has a separate opcode, which is a byte shorter.
        assembler.list { "\(name) \(d), \(value)" }
        assembler.appendREX(wide: !d.is32Bits, r: 0, x: 0, b: 0)
        assembler.append(digit << 3 | 5)
        assembler.append(littleEndian: value)
      } else {
        append(0x81, d, digit, .register(d.number)) { ["\(d)", "\(value)"] }
        assembler.append(littleEndian: value)
      }
    }

    private func append(
      _ opcode: UInt8, _ sized: GeneralRegister, _ field: UInt8, _ rm: RegisterOrMemory,
      text: () -> [String]
    ) {
      assembler.general(name, [opcode], sized, field, rm, text: text)
    }
  }
}

/// A constant as the sign-extended 32 bits of an instruction.
private func int32(_ name: String, _ value: Int) -> Int32 {
  guard let short = Int32(exactly: value) else {
    preconditionFailure("\(name) expects a constant of 32 bits, but got \(value)")
  }
  return short
}

/// Stops the program unless two registers have the same width.
func requireSameWidth(_ name: String, _ a: X86.GeneralRegister, _ b: X86.GeneralRegister) {
  precondition(
    a.is32Bits == b.is32Bits, "\(name) expects registers of one width, but got \(a) and \(b)")
}
