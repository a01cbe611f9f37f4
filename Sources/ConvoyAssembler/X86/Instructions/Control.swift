/// Jumps, calls, the stack, loops.
extension X86.Assembler {
  /// Goes to a label.
  public func jmp(_ target: Label) { jump("jmp", short: [0xEB], long: [0xE9], target) }

  /// Goes to a label if overflow.
  public func jo(_ target: Label) { jump(0x0, "jo", target) }
  /// Goes to a label unless overflow.
  public func jno(_ target: Label) { jump(0x1, "jno", target) }
  /// Goes to a label if below, unsigned.
  public func jb(_ target: Label) { jump(0x2, "jb", target) }
  /// Goes to a label if above or equal, unsigned.
  public func jae(_ target: Label) { jump(0x3, "jae", target) }
  /// Goes to a label if equal, or if the result was zero.
  public func je(_ target: Label) { jump(0x4, "je", target) }
  /// Goes to a label if not equal, or if the result was not zero.
  public func jne(_ target: Label) { jump(0x5, "jne", target) }
  /// Goes to a label if below or equal, unsigned.
  public func jbe(_ target: Label) { jump(0x6, "jbe", target) }
  /// Goes to a label if above, unsigned.
  public func ja(_ target: Label) { jump(0x7, "ja", target) }
  /// Goes to a label if the result was negative.
  public func js(_ target: Label) { jump(0x8, "js", target) }
  /// Goes to a label unless the result was negative.
  public func jns(_ target: Label) { jump(0x9, "jns", target) }
  /// Goes to a label if the result's low byte has even parity.
  public func jp(_ target: Label) { jump(0xA, "jp", target) }
  /// Goes to a label if the result's low byte has odd parity.
  public func jnp(_ target: Label) { jump(0xB, "jnp", target) }
  /// Goes to a label if less, signed.
  public func jl(_ target: Label) { jump(0xC, "jl", target) }
  /// Goes to a label if greater or equal, signed.
  public func jge(_ target: Label) { jump(0xD, "jge", target) }
  /// Goes to a label if less or equal, signed.
  public func jle(_ target: Label) { jump(0xE, "jle", target) }
  /// Goes to a label if greater, signed.
  public func jg(_ target: Label) { jump(0xF, "jg", target) }

  /// Calls the function whose address a register holds.
  public func call(_ target: GeneralRegister) {
    precondition(!target.is32Bits, "call expects a 64-bit register, but got \(target)")
    list { "call \(target)" }
    appendGeneral([0xFF], wide: false, 2, .register(target.number))
  }

  /// Returns to the caller.
  public func ret() {
    list { "ret" }
    append(0xC3)
  }

  /// Pushes a 64-bit register on the stack.
  public func push(_ s: GeneralRegister) {
    precondition(!s.is32Bits, "push expects a 64-bit register, but got \(s)")
    list { "push \(s)" }
    appendGeneral(0x50, wide: false, plus: s)
  }

  /// Pops a 64-bit register from the stack.
  public func pop(_ d: GeneralRegister) {
    precondition(!d.is32Bits, "pop expects a 64-bit register, but got \(d)")
    list { "pop \(d)" }
    appendGeneral(0x58, wide: false, plus: d)
  }

  /// Runs the body `counter` times, at least once; the counter ends at 0.
  public func repeating(_ counter: GeneralRegister, _ body: () -> Void) {
    let top = here()
    body()
    dec(counter)
    jne(top)
  }

  /// Runs the body, then restores the registers; the stack must be level at the body's end.
  ///
  /// The System V convention preserves rbx, rbp and r12…r15 for the caller.
  public func preserving(_ registers: [GeneralRegister], _ body: () -> Void) {
    for register in registers { push(register) }
    body()
    for register in registers.reversed() { pop(register) }
  }

  private func jump(_ condition: UInt8, _ name: String, _ target: Label) {
    jump(name, short: [0x70 | condition], long: [0x0F, 0x80 | condition], target)
  }

  /// Uses the form of two bytes for near targets before the jump, otherwise that of a 32-bit
  /// distance.
  private func jump(_ name: String, short: [UInt8], long: [UInt8], _ target: Label) {
    list { "\(name) \(target)" }
    let end = position + short.count + 1
    if let near = distance(from: end, to: target).flatMap(Int8.init(exactly:)) {
      for byte in short { append(byte) }
      append(littleEndian: near)
    } else {
      for byte in long { append(byte) }
      appendDistance(to: target)
    }
  }
}
