/// Arithmetic of 32-bit floats.
extension X86.Assembler {
  /// `d = a + b`.
  public var vaddps: ThreeOperands { three(.none, .x0F, 0x58) }
  /// `d = a - b`.
  public var vsubps: ThreeOperands { three(.none, .x0F, 0x5C) }
  /// `d = a · b`.
  public var vmulps: ThreeOperands { three(.none, .x0F, 0x59) }
  /// `d = a / b`.
  public var vdivps: ThreeOperands { three(.none, .x0F, 0x5E) }
  /// `d = a > b ? a : b`; therefore `b` where one of them is NaN.
  public var vmaxps: ThreeOperands { three(.none, .x0F, 0x5F) }
  /// `d = a < b ? a : b`; therefore `b` where one of them is NaN.
  public var vminps: ThreeOperands { three(.none, .x0F, 0x5D) }
  /// `d = √s`.
  public var vsqrtps: TwoOperands { two(.none, .x0F, 0x51) }

  /// `d = d · b + a`, rounded once.
  public var vfmadd132ps: ThreeOperands { three(.x66, .x0F38, 0x98) }
  /// `d = a · d + b`, rounded once.
  public var vfmadd213ps: ThreeOperands { three(.x66, .x0F38, 0xA8) }
  /// `d = a · b + d`, rounded once.
  public var vfmadd231ps: ThreeOperands { three(.x66, .x0F38, 0xB8) }
  /// `d = -(d · b) + a`, rounded once.
  public var vfnmadd132ps: ThreeOperands { three(.x66, .x0F38, 0x9C) }
  /// `d = -(a · d) + b`, rounded once.
  public var vfnmadd213ps: ThreeOperands { three(.x66, .x0F38, 0xAC) }
  /// `d = -(a · b) + d`, rounded once.
  public var vfnmadd231ps: ThreeOperands { three(.x66, .x0F38, 0xBC) }

  /// `d = a & b`, bitwise. 512 bits, registers from 16 and masks need AVX-512DQ.
  public var vandps: ThreeOperands { three(.none, .x0F, 0x54) }
  /// `d = ~a & b`, bitwise. 512 bits, registers from 16 and masks need AVX-512DQ.
  public var vandnps: ThreeOperands { three(.none, .x0F, 0x55) }
  /// `d = a | b`, bitwise. 512 bits, registers from 16 and masks need AVX-512DQ.
  public var vorps: ThreeOperands { three(.none, .x0F, 0x56) }
  /// `d = a ^ b`, bitwise. 512 bits, registers from 16 and masks need AVX-512DQ; see `vpxord`.
  public var vxorps: ThreeOperands { three(.none, .x0F, 0x57) }

  /// `d = s` rounded to a multiple of a power of two: `immediate` is the binary digits kept after
  /// the point, times 16, plus the direction (0 nearest even, 1 down, 2 up, 3 to zero).
  public var vrndscaleps: TwoOperandsAndImmediate { twoAndImmediate(.x66, .x0F3A, 0x08, .evex) }
  /// `d = s` rounded to an integer: 0 nearest even, 1 down, 2 up, 3 to zero; VEX only.
  public var vroundps: TwoOperandsAndImmediate { twoAndImmediate(.x66, .x0F3A, 0x08, .vex) }

  /// `d = Int32(s)`, rounded to nearest even.
  public var vcvtps2dq: TwoOperands { two(.x66, .x0F, 0x5B) }
  /// `d = Int32(s)`, rounded to zero.
  public var vcvttps2dq: TwoOperands { two(.xF3, .x0F, 0x5B) }
  /// `d = Float(s)`, where `s` holds Int32.
  public var vcvtdq2ps: TwoOperands { two(.none, .x0F, 0x5B) }
}
