/// Instructions that move lanes.
extension X86.Assembler {
  /// `d[i] = s[control]` within each 128 bits: two bits of `immediate` a lane.
  public var vpermilps: TwoOperandsAndImmediate { twoAndImmediate(.x66, .x0F3A, 0x04) }
  /// `d[2i] = d[2i+1] = s[2i]`.
  public var vmovsldup: TwoOperands { two(.xF3, .x0F, 0x12, memory: .vector) }
  /// `d[2i] = d[2i+1] = s[2i+1]`.
  public var vmovshdup: TwoOperands { two(.xF3, .x0F, 0x16, memory: .vector) }

  /// `d[i] = b[a[i]]`, across the whole vector; 256 and 512 bits.
  public var vpermps: ThreeOperands { three(.x66, .x0F38, 0x16, widths: .ymm ... .zmm) }
  /// `d[i] = (d ++ b)[a[i]]`, across both vectors; EVEX only.
  public var vpermt2ps: ThreeOperands { three(.x66, .x0F38, 0x7F, .evex) }
  /// `d[i] = (a ++ b)[d[i]]`, across both vectors; EVEX only.
  public var vpermi2ps: ThreeOperands { three(.x66, .x0F38, 0x77, .evex) }
  /// `d = (b ++ a) >> immediate` lanes, `b` being the lower half; EVEX only.
  public var valignd: ThreeOperandsAndImmediate { threeAndImmediate(.x66, .x0F3A, 0x03, .evex) }

  /// Within each 128 bits, two lanes of `a`, then two of `b`: two bits of `immediate` a lane.
  public var vshufps: ThreeOperandsAndImmediate { threeAndImmediate(.none, .x0F, 0xC6) }
  /// Within each 128 bits: `a[0], b[0], a[1], b[1]`.
  public var vunpcklps: ThreeOperands { three(.none, .x0F, 0x14) }
  /// Within each 128 bits: `a[2], b[2], a[3], b[3]`.
  public var vunpckhps: ThreeOperands { three(.none, .x0F, 0x15) }

  /// Quarters or halves of 128 bits: first those of `a`, then those of `b`; EVEX only.
  public var vshuff32x4: ThreeOperandsAndImmediate {
    threeAndImmediate(.x66, .x0F3A, 0x23, .evex, widths: .ymm ... .zmm)
  }
  /// Two halves chosen from `a ++ b`, two bits each, at bits 0 and 4; 256 bits, VEX only.
  public var vperm2f128: ThreeOperandsAndImmediate {
    threeAndImmediate(.x66, .x0F3A, 0x06, .vex, widths: .ymm ... .ymm)
  }

  /// `d = a`, but the 128 bits that `immediate` numbers come from `b`; 256 bits, VEX only.
  public var vinsertf128: ThreeOperandsAndImmediate {
    threeAndImmediate(
      .x66, .x0F3A, 0x18, .vex, memory: .bytes(16), widths: .ymm ... .ymm, source: { _ in .xmm })
  }
  /// `d = a`, but the 128 bits that `immediate` numbers come from `b`; EVEX only.
  public var vinsertf32x4: ThreeOperandsAndImmediate {
    threeAndImmediate(
      .x66, .x0F3A, 0x18, .evex, memory: .bytes(16), widths: .ymm ... .zmm, source: { _ in .xmm })
  }
  /// `d = a`, but the 256 bits that `immediate` numbers come from `b`; 512 bits, AVX-512DQ.
  public var vinsertf32x8: ThreeOperandsAndImmediate {
    threeAndImmediate(
      .x66, .x0F3A, 0x1A, .evex, memory: .bytes(32), widths: .zmm ... .zmm, source: { _ in .ymm })
  }

  /// `d` = the 128 bits of `s` that `immediate` numbers; 256 bits, VEX only.
  public var vextractf128: Extraction {
    extraction(0x19, .vex, piece: .xmm, widths: .ymm ... .ymm)
  }
  /// `d` = the 128 bits of `s` that `immediate` numbers; EVEX only.
  public var vextractf32x4: Extraction {
    extraction(0x19, .evex, piece: .xmm, widths: .ymm ... .zmm)
  }
  /// `d` = the 256 bits of `s` that `immediate` numbers; 512 bits, AVX-512DQ.
  public var vextractf32x8: Extraction {
    extraction(0x1B, .evex, piece: .ymm, widths: .zmm ... .zmm)
  }

  private func extraction(
    _ byte: UInt8, _ encodings: VectorOpcode.Encodings, piece: VectorWidth,
    widths: ClosedRange<VectorWidth>, name: String = #function
  ) -> Extraction {
    let opcode = VectorOpcode(
      name, .x66, .x0F3A, byte, encodings, memory: .bytes(piece.rawValue), widths: widths)
    return Extraction(assembler: self, opcode: opcode, piece: piece)
  }
}

extension X86 {
  /// An instruction that extracts a part of a vector.
  public struct Extraction {
    let assembler: Assembler
    let opcode: VectorOpcode
    let piece: VectorWidth

    /// Appends the instruction; the destination is a register.
    public func callAsFunction(
      _ d: VectorRegister, _ s: VectorRegister, _ immediate: UInt8, mask: Masking? = nil
    ) {
      requireWidth(opcode.name, piece, d)
      append(.register(d.number), s, immediate, mask) { "\(d)" }
    }

    /// Appends the instruction; the destination is in memory.
    public func callAsFunction(
      _ d: Memory, _ s: VectorRegister, _ immediate: UInt8, mask: Masking? = nil
    ) {
      requireNoZeroing(opcode.name, mask)
      append(.memory(d), s, immediate, mask) { d.text }
    }

    private func append(
      _ d: RegisterOrMemory, _ s: VectorRegister, _ immediate: UInt8, _ mask: Masking?,
      destination: () -> String
    ) {
      let fields = VectorFields(
        width: s.width, reg: s.number, rm: d, mask: mask, immediate: immediate)
      assembler.append(opcode, fields) { [text(destination(), mask), "\(s)", "\(immediate)"] }
    }
  }
}
