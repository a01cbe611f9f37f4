#if arch(x86_64)
  extension X86 {
    /// The instructions CPUID and XGETBV as generated functions.
    struct ProcessorQuery {
      /// The four registers of CPUID's result.
      struct Answer {
        var eax: UInt32 = 0
        var ebx: UInt32 = 0
        var ecx: UInt32 = 0
        var edx: UInt32 = 0
      }

      private let memory: ExecutableMemory

      init() throws(ExecutableMemoryError) {
        memory = try ExecutableMemory([ProcessorQuery.cpuid, ProcessorQuery.xgetbv])
      }

      /// The processor's answer to a leaf and subleaf.
      func callAsFunction(_ leaf: UInt32, _ subleaf: UInt32 = 0) -> Answer {
        typealias Function = @convention(c) (UnsafeMutableRawPointer) -> Void
        var answer = Answer(eax: leaf, ecx: subleaf)
        withExtendedLifetime(memory) { memory.function(0, as: Function.self)(&answer) }
        return answer
      }

      /// The kinds of registers that the operating system preserves (XCR0).
      ///
      /// Only for processors whose leaf 1 has OSXSAVE.
      func preservedRegisters() -> UInt64 {
        withExtendedLifetime(memory) {
          memory.function(1, as: (@convention(c) () -> UInt64).self)()
        }
      }

      /// Reads eax and ecx from its argument's address, and writes all four registers there.
      private static var cpuid: MachineCode {
        let a = Assembler()
        a.preserving([rbx]) {
          a.mov(eax, [rdi])
          a.mov(ecx, [rdi + 8])
          a.cpuid()
          a.mov([rdi], eax)
          a.mov([rdi + 4], ebx)
          a.mov([rdi + 8], ecx)
          a.mov([rdi + 12], edx)
        }
        a.ret()
        return a.finish("cpuid")
      }

      private static var xgetbv: MachineCode {
        let a = Assembler()
        a.xor(ecx, ecx)
        a.xgetbv()
        a.shl(rdx, 32)
        a.or(rax, rdx)
        a.ret()
        return a.finish("xgetbv")
      }
    }
  }

  extension X86.ProcessorFeatures {
    /// Asks the processor.
    ///
    /// Source: Intel's Software Developer's Manual, volume 2, "CPUID", and volume 1, 14.3 and 15.2;
    /// AMD's Architecture Programmer's Manual, volume 3, appendix E.
    init(_ query: X86.ProcessorQuery) {
      let leaf0 = query(0)
      vendor = Self.text(leaf0.ebx, leaf0.edx, leaf0.ecx)
      let leaf1 = query(1)
      (family, model) = Self.familyAndModel(leaf1.eax)
      let leaf7 = leaf0.eax >= 7 ? query(7) : .init()
      let leaf7Part1 = leaf7.eax >= 1 ? query(7, 1) : .init()
      let preserved = leaf1.ecx.has(27) ? query.preservedRegisters() : 0
      instructions = Self.instructions(leaf1, leaf7, leaf7Part1, preserved: preserved)
      caches = Self.caches(query, vendor: vendor, lastLeaf: leaf0.eax)
    }

    private static func instructions(
      _ leaf1: X86.ProcessorQuery.Answer, _ leaf7: X86.ProcessorQuery.Answer,
      _ leaf7Part1: X86.ProcessorQuery.Answer, preserved: UInt64
    ) -> X86.InstructionSets {
      var sets: X86.InstructionSets = []
      // xmm and ymm.
      guard preserved & 0x06 == 0x06, leaf1.ecx.has(28) else { return sets }
      sets.insert(.avx)
      if leaf1.ecx.has(12) { sets.insert(.fma) }
      if leaf7.ebx.has(5) { sets.insert(.avx2) }
      // And masks, the upper halves of zmm 0…15, and zmm 16…31.
      guard preserved & 0xE6 == 0xE6, leaf7.ebx.has(16) else { return sets }
      sets.insert(.avx512F)
      if leaf7.ebx.has(17) { sets.insert(.avx512DQ) }
      if leaf7.ebx.has(30) { sets.insert(.avx512BW) }
      if leaf7.ebx.has(31) { sets.insert(.avx512VL) }
      if leaf7.ecx.has(11) { sets.insert(.avx512VNNI) }
      if leaf7Part1.eax.has(5) { sets.insert(.avx512BF16) }
      return sets
    }

    /// The displayed family and model, which are spread over five fields.
    static func familyAndModel(_ signature: UInt32) -> (family: Int, model: Int) {
      let base = Int(signature >> 8 & 0xF)
      let family = base == 15 ? base + Int(signature >> 20 & 0xFF) : base
      let low = Int(signature >> 4 & 0xF)
      let hasHigh = base == 6 || base == 15
      return (family, hasHigh ? Int(signature >> 16 & 0xF) << 4 | low : low)
    }

    /// The caches, by the leaf that lists one for each subleaf; the vendors use different leaves.
    private static func caches(
      _ query: X86.ProcessorQuery, vendor: String, lastLeaf: UInt32
    ) -> CacheSizes {
      var sizes = CacheSizes()
      let isAMD = vendor == "AuthenticAMD" || vendor == "HygonGenuine"
      // AMD's leaf is present with its topology extensions.
      let leaf: UInt32? =
        if isAMD {
          query(0x8000_0000).eax >= 0x8000_001D && query(0x8000_0001).ecx.has(22)
            ? 0x8000_001D : nil
        } else {
          lastLeaf >= 4 ? 4 : nil
        }
      guard let leaf else { return sizes }
      for subleaf in 0..<16 as Range<UInt32> {
        let cache = query(leaf, subleaf)
        let kind = cache.eax & 0x1F
        if kind == 0 { break }
        let ways = Int(cache.ebx >> 22) + 1
        let partitions = Int(cache.ebx >> 12 & 0x3FF) + 1
        let line = Int(cache.ebx & 0xFFF) + 1
        let size = ways * partitions * line * (Int(cache.ecx) + 1)
        // Kind 1 is for data, 2 for instructions, 3 for both.
        switch (level: cache.eax >> 5 & 7, kind) {
        case (1, 1), (1, 3): sizes.level1Data = size
        case (2, 1), (2, 3): sizes.level2 = size
        case (3, 1), (3, 3): sizes.level3 = size
        default: break
        }
      }
      return sizes
    }

    /// The characters in registers.
    private static func text(_ registers: UInt32...) -> String {
      let bytes = registers.flatMap { word in
        (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  extension UInt32 {
    /// Whether a bit is set.
    fileprivate func has(_ bit: Int) -> Bool { self >> bit & 1 == 1 }
  }
#endif
