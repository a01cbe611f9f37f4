// The forms of vector instructions. Each instruction is a property with its form and opcode
// (`VectorArithmetic`, `VectorPermutations`, …), which encodes when it is called like a function:
// `a.vaddps(zmm(0), zmm(1), [rdi])`.

extension X86.Assembler {
  /// Lists and appends a vector instruction.
  func append(_ opcode: VectorOpcode, _ fields: VectorFields, text: () -> [String]) {
    list { "\(opcode.name) \(text().joined(separator: ", "))" }
    append(opcode, fields)
  }
}

/// The destination's text, with its mask.
func text(_ destination: some CustomStringConvertible, _ mask: X86.Masking?) -> String {
  mask.map { "\(destination) \($0)" } ?? "\(destination)"
}

/// Stops the program unless the operands have the same width.
func requireWidth(_ name: String, _ width: X86.VectorWidth, _ registers: X86.VectorRegister...) {
  for register in registers where register.width != width {
    preconditionFailure("\(name) expects \(width) registers here, but got \(register)")
  }
}

extension X86 {
  /// An instruction of a destination and one source: `d = f(s)`.
  public struct TwoOperands {
    let assembler: Assembler
    let opcode: VectorOpcode
    /// The width of the source for a width of the destination.
    let source: (VectorWidth) -> VectorWidth

    /// Appends the instruction; the source is a register.
    public func callAsFunction(_ d: VectorRegister, _ s: VectorRegister, mask: Masking? = nil) {
      requireWidth(opcode.name, source(d.width), s)
      let fields = VectorFields(width: d.width, reg: d.number, rm: .register(s.number), mask: mask)
      assembler.append(opcode, fields) { [text(d, mask), "\(s)"] }
    }

    /// Appends the instruction; the source is in memory.
    public func callAsFunction(_ d: VectorRegister, _ s: Memory, mask: Masking? = nil) {
      let fields = VectorFields(width: d.width, reg: d.number, rm: .memory(s), mask: mask)
      assembler.append(opcode, fields) { [text(d, mask), s.text(d.width)] }
    }
  }

  /// An instruction of a destination, one source and a constant: `d = f(s, constant)`.
  public struct TwoOperandsAndImmediate {
    let assembler: Assembler
    let opcode: VectorOpcode

    /// Appends the instruction; the source is a register.
    public func callAsFunction(
      _ d: VectorRegister, _ s: VectorRegister, _ immediate: UInt8, mask: Masking? = nil
    ) {
      requireWidth(opcode.name, d.width, s)
      append(d, .register(s.number), immediate, mask) { "\(s)" }
    }

    /// Appends the instruction; the source is in memory.
    public func callAsFunction(
      _ d: VectorRegister, _ s: Memory, _ immediate: UInt8, mask: Masking? = nil
    ) {
      append(d, .memory(s), immediate, mask) { s.text(d.width) }
    }

    private func append(
      _ d: VectorRegister, _ s: RegisterOrMemory, _ immediate: UInt8, _ mask: Masking?,
      source: () -> String
    ) {
      let fields = VectorFields(
        width: d.width, reg: d.number, rm: s, mask: mask, immediate: immediate)
      assembler.append(opcode, fields) { [text(d, mask), source(), "\(immediate)"] }
    }
  }

  /// An instruction of a destination and two sources: `d = f(a, b)`, or `f(d, a, b)`.
  public struct ThreeOperands {
    let assembler: Assembler
    let opcode: VectorOpcode

    /// Appends the instruction; the second source is a register.
    public func callAsFunction(
      _ d: VectorRegister, _ a: VectorRegister, _ b: VectorRegister, mask: Masking? = nil
    ) {
      requireWidth(opcode.name, d.width, a, b)
      append(d, a, .register(b.number), mask) { "\(b)" }
    }

    /// Appends the instruction; the second source is in memory.
    public func callAsFunction(
      _ d: VectorRegister, _ a: VectorRegister, _ b: Memory, mask: Masking? = nil
    ) {
      requireWidth(opcode.name, d.width, a)
      append(d, a, .memory(b), mask) { b.text(d.width) }
    }

    private func append(
      _ d: VectorRegister, _ a: VectorRegister, _ b: RegisterOrMemory, _ mask: Masking?,
      source: () -> String
    ) {
      let fields = VectorFields(width: d.width, reg: d.number, vvvv: a.number, rm: b, mask: mask)
      assembler.append(opcode, fields) { [text(d, mask), "\(a)", source()] }
    }
  }

  /// An instruction of a destination, two sources and a constant: `d = f(a, b, constant)`.
  public struct ThreeOperandsAndImmediate {
    let assembler: Assembler
    let opcode: VectorOpcode
    /// The width of the second source for a width of the destination.
    let source: (VectorWidth) -> VectorWidth

    /// Appends the instruction; the second source is a register.
    public func callAsFunction(
      _ d: VectorRegister, _ a: VectorRegister, _ b: VectorRegister, _ immediate: UInt8,
      mask: Masking? = nil
    ) {
      requireWidth(opcode.name, source(d.width), b)
      append(d, a, .register(b.number), immediate, mask) { "\(b)" }
    }

    /// Appends the instruction; the second source is in memory.
    public func callAsFunction(
      _ d: VectorRegister, _ a: VectorRegister, _ b: Memory, _ immediate: UInt8,
      mask: Masking? = nil
    ) {
      append(d, a, .memory(b), immediate, mask) { b.text(d.width) }
    }

    private func append(
      _ d: VectorRegister, _ a: VectorRegister, _ b: RegisterOrMemory, _ immediate: UInt8,
      _ mask: Masking?, source: () -> String
    ) {
      requireWidth(opcode.name, d.width, a)
      let fields = VectorFields(
        width: d.width, reg: d.number, vvvv: a.number, rm: b, mask: mask, immediate: immediate)
      assembler.append(opcode, fields) { [text(d, mask), "\(a)", source(), "\(immediate)"] }
    }
  }
}

// Constructors of the forms. The instruction's name is that of the property, by `#function`.
extension X86.Assembler {
  func two(
    _ prefix: VectorOpcode.Prefix, _ map: VectorOpcode.Map, _ byte: UInt8,
    _ encodings: VectorOpcode.Encodings = .vexOrEVEX,
    memory: VectorOpcode.MemorySize = .full, widths: ClosedRange<VectorWidth> = .xmm ... .zmm,
    source: @escaping (VectorWidth) -> VectorWidth = { $0 }, name: String = #function
  ) -> TwoOperands {
    let opcode = VectorOpcode(
      name, prefix, map, byte, encodings, memory: memory, widths: widths)
    return TwoOperands(assembler: self, opcode: opcode, source: source)
  }

  func twoAndImmediate(
    _ prefix: VectorOpcode.Prefix, _ map: VectorOpcode.Map, _ byte: UInt8,
    _ encodings: VectorOpcode.Encodings = .vexOrEVEX, name: String = #function
  ) -> TwoOperandsAndImmediate {
    let opcode = VectorOpcode(name, prefix, map, byte, encodings)
    return TwoOperandsAndImmediate(assembler: self, opcode: opcode)
  }

  func three(
    _ prefix: VectorOpcode.Prefix, _ map: VectorOpcode.Map, _ byte: UInt8,
    _ encodings: VectorOpcode.Encodings = .vexOrEVEX,
    widths: ClosedRange<VectorWidth> = .xmm ... .zmm, name: String = #function
  ) -> ThreeOperands {
    let opcode = VectorOpcode(name, prefix, map, byte, encodings, widths: widths)
    return ThreeOperands(assembler: self, opcode: opcode)
  }

  func threeAndImmediate(
    _ prefix: VectorOpcode.Prefix, _ map: VectorOpcode.Map, _ byte: UInt8,
    _ encodings: VectorOpcode.Encodings = .vexOrEVEX,
    memory: VectorOpcode.MemorySize = .full, widths: ClosedRange<VectorWidth> = .xmm ... .zmm,
    source: @escaping (VectorWidth) -> VectorWidth = { $0 }, name: String = #function
  ) -> ThreeOperandsAndImmediate {
    let opcode = VectorOpcode(
      name, prefix, map, byte, encodings, memory: memory, widths: widths)
    return ThreeOperandsAndImmediate(assembler: self, opcode: opcode, source: source)
  }
}
