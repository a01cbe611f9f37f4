/// Arithmetic of 32-bit integers, and of the narrow numbers of quantised networks.
extension X86.Assembler {
  /// `d = a + b`, wrapping.
  public var vpaddd: ThreeOperands { three(.x66, .x0F, 0xFE) }
  /// `d = a - b`, wrapping.
  public var vpsubd: ThreeOperands { three(.x66, .x0F, 0xFA) }
  /// `d = a · b`, the low 32 bits.
  public var vpmulld: ThreeOperands { three(.x66, .x0F38, 0x40) }
  /// `d = max(a, b)`, signed.
  public var vpmaxsd: ThreeOperands { three(.x66, .x0F38, 0x3D) }
  /// `d = min(a, b)`, signed.
  public var vpminsd: ThreeOperands { three(.x66, .x0F38, 0x39) }

  /// `d = a & b`; VEX only.
  public var vpand: ThreeOperands { three(.x66, .x0F, 0xDB, .vex) }
  /// `d = a & b`; EVEX only.
  public var vpandd: ThreeOperands { three(.x66, .x0F, 0xDB, .evex) }
  /// `d = a | b`; VEX only.
  public var vpor: ThreeOperands { three(.x66, .x0F, 0xEB, .vex) }
  /// `d = a | b`; EVEX only.
  public var vpord: ThreeOperands { three(.x66, .x0F, 0xEB, .evex) }
  /// `d = a ^ b`; VEX only.
  public var vpxor: ThreeOperands { three(.x66, .x0F, 0xEF, .vex) }
  /// `d = a ^ b`; EVEX only.
  public var vpxord: ThreeOperands { three(.x66, .x0F, 0xEF, .evex) }

  /// `d = s << immediate`. A source in memory is EVEX only.
  public var vpslld: ShiftByImmediate { shift(0x72, 6) }
  /// `d = s >> immediate`, signed. A source in memory is EVEX only.
  public var vpsrad: ShiftByImmediate { shift(0x72, 4) }
  /// `d = s >> immediate`, unsigned. A source in memory is EVEX only.
  public var vpsrld: ShiftByImmediate { shift(0x72, 2) }

  /// `d += Σ a[i] · b[i]` over the four bytes of a lane, `a` unsigned, `b` signed (AVX-512VNNI).
  public var vpdpbusd: ThreeOperands { three(.x66, .x0F38, 0x50, .evex) }
  /// `d += Σ a[i] · b[i]` over the two bfloat16 of a lane, `d` being floats (AVX-512BF16).
  public var vdpbf16ps: ThreeOperands { three(.xF3, .x0F38, 0x52, .evex) }
  /// `d = UInt32(s)`, where `s` is half as wide as `d` and holds UInt16.
  public var vpmovzxwd: TwoOperands {
    two(.x66, .x0F38, 0x33, memory: .half, source: \.halved)
  }

  /// Floats to bfloat16, rounded to nearest even; `d` is half as wide as `s` (AVX-512BF16).
  ///
  /// 128 bits of floats become the low 64 of an `xmm`. Subnormal numbers become 0.
  public func vcvtneps2bf16(_ d: VectorRegister, _ s: VectorRegister, mask: Masking? = nil) {
    let opcode = VectorOpcode("vcvtneps2bf16", .xF3, .x0F38, 0x72, .evex)
    requireWidth(opcode.name, s.width.halved, d)
    let fields = VectorFields(width: s.width, reg: d.number, rm: .register(s.number), mask: mask)
    append(opcode, fields) { [text(d, mask), "\(s)"] }
  }

  private func shift(_ byte: UInt8, _ digit: UInt8, name: String = #function) -> ShiftByImmediate {
    ShiftByImmediate(assembler: self, name: name, byte: byte, digit: digit)
  }
}

extension X86.VectorWidth {
  /// Half as wide, but not narrower than `xmm`.
  var halved: X86.VectorWidth { self == .zmm ? .ymm : .xmm }
}

extension X86 {
  /// A shift of each lane by the same constant.
  public struct ShiftByImmediate {
    let assembler: Assembler
    let name: String
    let byte: UInt8
    let digit: UInt8

    /// Appends the instruction; the source is a register.
    public func callAsFunction(
      _ d: VectorRegister, _ s: VectorRegister, _ immediate: UInt8, mask: Masking? = nil
    ) {
      requireWidth(name, d.width, s)
      append(.vexOrEVEX, d, .register(s.number), immediate, mask) { "\(s)" }
    }

    /// Appends the instruction; the source is in memory.
    public func callAsFunction(
      _ d: VectorRegister, _ s: Memory, _ immediate: UInt8, mask: Masking? = nil
    ) {
      append(.evex, d, .memory(s), immediate, mask) { s.text(d.width) }
    }

    /// The destination is in vvvv, since ModRM.reg extends the opcode.
    private func append(
      _ encodings: VectorOpcode.Encodings, _ d: VectorRegister, _ s: RegisterOrMemory,
      _ immediate: UInt8, _ mask: Masking?, source: () -> String
    ) {
      let opcode = VectorOpcode(name, .x66, .x0F, byte, encodings)
      let fields = VectorFields(
        width: d.width, reg: digit, vvvv: d.number, rm: s, mask: mask, immediate: immediate)
      assembler.append(opcode, fields) { [text(d, mask), source(), "\(immediate)"] }
    }
  }
}
