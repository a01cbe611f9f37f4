extension X86 {
  /// Writes machine code; each line of Swift is an instruction.
  ///
  /// ```swift
  /// let a = X86.Assembler()
  /// a.vxorps(ymm(0), ymm(0), ymm(0))
  /// a.repeating(rdx) {                               // eight sums of x[i] · y[i]
  ///   a.vmovups(ymm(1), [rdi])
  ///   a.vfmadd231ps(ymm(0), ymm(1), [rsi])
  ///   a.add(rdi, 32)
  ///   a.add(rsi, 32)
  /// }
  /// a.vmovups([rcx], ymm(0))
  /// a.vzeroupper()
  /// a.ret()
  /// let code = a.finish("dot product")
  /// ```
  ///
  /// Operands are in the order of Intel's manual, with the destination first. Encodings are the
  /// shortest for exactly the written instruction: operands are never swapped to save a byte. An
  /// invalid combination of operands is a programmer's error, and stops the program with a message.
  public final class Assembler: CodeBuffer {
    /// Makes an empty assembler.
    ///
    /// - Parameter listing: Whether to keep the text of every instruction, for `listing`.
    public override init(listing: Bool = false) { super.init(listing: listing) }

    override func pad(bytes count: Int) { nop(bytes: count) }
  }
}

// Shorter names of operands and forms, for the instructions in other files.
extension X86.Assembler {
  /// `X86.GeneralRegister`.
  public typealias GeneralRegister = X86.GeneralRegister
  /// `X86.VectorRegister`.
  public typealias VectorRegister = X86.VectorRegister
  /// `X86.MaskRegister`.
  public typealias MaskRegister = X86.MaskRegister
  /// `X86.Memory`.
  public typealias Memory = X86.Memory
  /// `X86.Masking`.
  public typealias Masking = X86.Masking
  /// `X86.Comparison`.
  public typealias Comparison = X86.Comparison
  /// `X86.IntegerOperation`.
  public typealias IntegerOperation = X86.IntegerOperation
  /// `X86.TwoOperands`.
  public typealias TwoOperands = X86.TwoOperands
  /// `X86.TwoOperandsAndImmediate`.
  public typealias TwoOperandsAndImmediate = X86.TwoOperandsAndImmediate
  /// `X86.ThreeOperands`.
  public typealias ThreeOperands = X86.ThreeOperands
  /// `X86.ThreeOperandsAndImmediate`.
  public typealias ThreeOperandsAndImmediate = X86.ThreeOperandsAndImmediate
  /// `X86.ShiftByImmediate`.
  public typealias ShiftByImmediate = X86.ShiftByImmediate
  /// `X86.Move`.
  public typealias Move = X86.Move
  /// `X86.Extraction`.
  public typealias Extraction = X86.Extraction
  typealias Address = X86.Address
  typealias VectorWidth = X86.VectorWidth
  typealias VectorOpcode = X86.VectorOpcode
  typealias VectorFields = X86.VectorFields
  typealias RegisterOrMemory = X86.RegisterOrMemory
  typealias Displacement = X86.Displacement
}
