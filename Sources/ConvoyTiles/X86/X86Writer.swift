package import ConvoyAssembler

/// Writes tiles in x86-64 instructions: AVX-512 for registers of 512 bits, AVX2 and FMA for
/// registers of 256 bits.
package final class X86Writer: TileWriter {
  package let unit: VectorUnit
  package let arguments = Integer(RegisterPool.integerCount)
  let a = X86.Assembler()
  let width: X86.VectorWidth

  /// - Parameter unit: registers of 8 or 16 lanes.
  package init(_ unit: VectorUnit) {
    self.unit = unit
    width = unit.lanes == X86.VectorWidth.zmm.lanes ? .zmm : .ymm
    precondition(width.lanes == unit.lanes, "x86 has no registers of \(unit.lanes) lanes")
  }

  /// Whether results of comparisons are in mask registers, and arithmetic can broadcast numbers
  /// from memory.
  var hasMasks: Bool { width == .zmm }

  /// The mask register of comparisons.
  let truth = X86.masks[0]

  // MARK: Operands

  func register(_ integer: Integer) -> X86.GeneralRegister { X86.integers[integer.number] }

  func register(_ vector: Vector) -> X86.VectorRegister { X86.VectorRegister(vector.number, width) }

  func register(_ mask: LaneMask) -> X86.MaskRegister { X86.masks[mask.number] }

  func address(_ place: Place) -> X86.Address {
    let base = register(place.base) + place.displacement
    return place.index.map { base + register($0.register) * $0.scale } ?? base
  }

  /// A memory operand, a whole vector or a repeated number.
  func memory(_ place: Place) -> X86.Memory { X86.Memory(address(place)) }

  /// A number in all lanes: broadcast by the instruction with 512 bits, otherwise a whole vector of
  /// copies.
  func repeated(_ place: Place) -> X86.Memory {
    hasMasks ? .broadcast(address(place)) : memory(place)
  }

  /// Appends an instruction whose last operand may be in memory.
  func append(
    _ instruction: X86.ThreeOperands, _ d: Vector, _ a: Vector, _ b: Operand,
    mask: X86.Masking? = nil
  ) {
    let (d, a) = (register(d), register(a))
    switch b {
    case .vector(let b): instruction(d, a, register(b), mask: mask)
    case .memory(let place): instruction(d, a, memory(place), mask: mask)
    case .repeated(let place): instruction(d, a, repeated(place), mask: mask)
    }
  }

  // MARK: Constants and the function itself

  package func label() -> Label { a.label() }

  package func point(_ d: Integer, to label: Label) { a.lea(register(d), label) }

  package func lay(_ words: [UInt32], at label: Label) { a.constants(words, at: label) }

  package func function(_ pool: RegisterPool, _ body: () -> Void) {
    let kept = pool.integers.map(register).filter(X86.preserved.contains)
    a.preserving(kept, body)
    a.vzeroupper()
    a.ret()
  }

  package func finish(_ name: String) -> MachineCode { a.finish(name) }
}

extension X86 {
  /// In the order of allocation by the pool: first the registers that a function may change, then
  /// those that it must preserve; the register of the argument is last.
  fileprivate static let integers = [
    rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15, rdi,
  ]
  /// The registers that the System V convention preserves for the caller.
  fileprivate static let preserved: Set = [rbx, rbp, r12, r13, r14, r15]

  /// The masks that tiles load, in order.
  fileprivate static let masks = [k1, k2, k3]
}
