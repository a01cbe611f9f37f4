extension X86 {
  /// One of the sixteen general-purpose registers, seen as 64 bits (`rax`) or as its low 32 (`eax`).
  ///
  /// Writing the low 32 bits clears the upper ones.
  public struct GeneralRegister: Hashable, Sendable, CustomStringConvertible {
    /// The register's number in encodings: 0…15.
    public let number: UInt8
    /// Whether it is used as its low 32 bits rather than all 64.
    public let is32Bits: Bool

    /// The 64-bit register of a number.
    public init(_ number: Int) {
      precondition(0..<16 ~= number, "there is no general register \(number), only 0 to 15")
      self.init(number: UInt8(number), is32Bits: false)
    }

    private init(number: UInt8, is32Bits: Bool) {
      self.number = number
      self.is32Bits = is32Bits
    }

    /// The same register's low 32 bits.
    public var low32: GeneralRegister { GeneralRegister(number: number, is32Bits: true) }

    /// The name in Intel's manual.
    public var description: String {
      guard number < 8 else { return is32Bits ? "r\(number)d" : "r\(number)" }
      return (is32Bits ? "e" : "r") + ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"][Int(number)]
    }
  }

  /// The 64-bit accumulator; a function's result.
  public static let rax = GeneralRegister(0)
  /// A 64-bit register; a function's fourth argument in the System V convention.
  public static let rcx = GeneralRegister(1)
  /// A 64-bit register; a function's third argument in the System V convention.
  public static let rdx = GeneralRegister(2)
  /// A 64-bit register, preserved for the caller.
  public static let rbx = GeneralRegister(3)
  /// The stack pointer.
  public static let rsp = GeneralRegister(4)
  /// A 64-bit register, preserved for the caller; often the frame pointer.
  public static let rbp = GeneralRegister(5)
  /// A 64-bit register; a function's second argument in the System V convention.
  public static let rsi = GeneralRegister(6)
  /// A 64-bit register; a function's first argument in the System V convention.
  public static let rdi = GeneralRegister(7)
  /// A 64-bit register; a function's fifth argument in the System V convention.
  public static let r8 = GeneralRegister(8)
  /// A 64-bit register; a function's sixth argument in the System V convention.
  public static let r9 = GeneralRegister(9)
  /// A 64-bit register that a function may overwrite.
  public static let r10 = GeneralRegister(10)
  /// A 64-bit register that a function may overwrite.
  public static let r11 = GeneralRegister(11)
  /// A 64-bit register, preserved for the caller.
  public static let r12 = GeneralRegister(12)
  /// A 64-bit register, preserved for the caller.
  public static let r13 = GeneralRegister(13)
  /// A 64-bit register, preserved for the caller.
  public static let r14 = GeneralRegister(14)
  /// A 64-bit register, preserved for the caller.
  public static let r15 = GeneralRegister(15)

  /// The low 32 bits of `rax`.
  public static let eax = rax.low32
  /// The low 32 bits of `rcx`.
  public static let ecx = rcx.low32
  /// The low 32 bits of `rdx`.
  public static let edx = rdx.low32
  /// The low 32 bits of `rbx`.
  public static let ebx = rbx.low32
}
