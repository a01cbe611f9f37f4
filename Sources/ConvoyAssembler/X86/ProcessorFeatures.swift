extension X86 {
  /// The properties of this machine's processor that generated code depends on.
  public struct ProcessorFeatures: Hashable, Sendable {
    /// The extensions of the instruction set that code may use.
    ///
    /// Extensions whose registers the operating system does not preserve are not included.
    public var instructions: InstructionSets = []
    /// The vendor's name as the processor reports it, such as "AuthenticAMD"; empty if unknown.
    public var vendor = ""
    /// The vendor's number of the processor's family; 0 if unknown.
    public var family = 0
    /// The vendor's number of the model within the family; 0 if unknown.
    public var model = 0
    /// The sizes of the caches that a core can use.
    public var caches = CacheSizes()

    /// An unknown processor.
    public init() {}

    /// The processor that the program runs on; an unknown one where code cannot be generated.
    public static let current: ProcessorFeatures = {
      #if arch(x86_64)
        return (try? ProcessorQuery()).map(ProcessorFeatures.init) ?? ProcessorFeatures()
      #else
        return ProcessorFeatures()
      #endif
    }()
  }

  /// Extensions of the x86-64 instruction set.
  public struct InstructionSets: OptionSet, Hashable, Sendable {
    /// A bit for each extension.
    public let rawValue: UInt32

    /// The extensions whose bits are set.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Floats, 256 bits.
    public static let avx = InstructionSets(rawValue: 1 << 0)
    /// Integers, 256 bits; permutations of whole vectors.
    public static let avx2 = InstructionSets(rawValue: 1 << 1)
    /// Fused multiply-add.
    public static let fma = InstructionSets(rawValue: 1 << 2)
    /// 512 bits, 32 registers, masks: the foundation of AVX-512.
    public static let avx512F = InstructionSets(rawValue: 1 << 3)
    /// Lanes of 8 and 16 bits.
    public static let avx512BW = InstructionSets(rawValue: 1 << 4)
    /// Bitwise operations of floats, halves of 256 bits.
    public static let avx512DQ = InstructionSets(rawValue: 1 << 5)
    /// AVX-512's instructions for 128 and 256 bits.
    public static let avx512VL = InstructionSets(rawValue: 1 << 6)
    /// Dot products of bytes.
    public static let avx512VNNI = InstructionSets(rawValue: 1 << 7)
    /// Dot products of bfloat16.
    public static let avx512BF16 = InstructionSets(rawValue: 1 << 8)
  }
}
