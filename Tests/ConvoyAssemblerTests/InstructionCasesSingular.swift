@testable import ConvoyAssembler

// The instructions that no form covers.

extension InstructionCases {
  func singularVectorForms() {
    for d in Self.numbers {
      for s in Self.generals {
        a.vmovd(xmm(d), s.low32)
        for width in VectorWidth.allCases {
          a.vpbroadcastd(VectorRegister(d, width), s.low32, mask: next([nil, .zeroing(k2)]))
        }
      }
      for s in Self.numbers {
        a.vcvtneps2bf16(ymm(d), zmm(s), mask: next([nil, .merging(k3), .zeroing(k1)]))
        a.vcvtneps2bf16(xmm(d), ymm(s))
        a.vcvtneps2bf16(xmm(d), xmm(s))
      }
    }
    for address in addresses(unit: 16) {
      a.vbroadcastf128(ymm(next([0, 7, 8, 15])), Memory(address))
      a.vbroadcastf32x4(ymm(next(Self.numbers)), Memory(address), mask: next([nil, .zeroing(k4)]))
      a.vbroadcastf32x4(zmm(next(Self.numbers)), Memory(address), mask: next([nil, .merging(k5)]))
    }
    for address in addresses(unit: 8) {
      a.vbroadcastf32x2(ymm(next(Self.numbers)), Memory(address), mask: next([nil, .merging(k4)]))
      a.vbroadcastf32x2(zmm(next(Self.numbers)), Memory(address), mask: next([nil, .zeroing(k5)]))
    }
    for address in addresses(unit: 32) {
      a.vbroadcastf32x8(zmm(next(Self.numbers)), Memory(address), mask: next([nil, .zeroing(k2)]))
    }
    for address in addresses(unit: 4) {
      let register = xmm(next(Self.numbers))
      a.vmovss(register, Memory(address), mask: next([nil, .merging(k6), .zeroing(k1)]))
      a.vmovss(Memory(address), register, mask: next([nil, .merging(k6)]))
    }
    a.vzeroupper()
  }

  func selections() {
    let low = [0, 7, 8, 15]
    for width in [VectorWidth.xmm, .ymm] {
      let registers = low.map { VectorRegister($0, width) }
      for d in registers {
        for s in registers {
          for t in registers {
            a.vblendvps(d, s, t, next(registers))
            a.vcmpps(d, s, t, next(Comparison.allCases))
          }
        }
      }
      for memory in generalMemories {
        a.vblendvps(next(registers), next(registers), memory, next(registers))
        a.vcmpps(next(registers), next(registers), memory, next(Comparison.allCases))
        a.vmaskmovps(next(registers), next(registers), memory)
        a.vmaskmovps(memory, next(registers), next(registers))
      }
    }
    for width in VectorWidth.allCases {
      let registers = Self.numbers.map { VectorRegister($0, width) }
      let opcode = VectorOpcode("vcmpps", .none, .x0F, 0xC2, .evex)
      for s in registers {
        for t in registers {
          a.vcmpps(next([k0, k3, k7]), s, t, next(Comparison.allCases), mask: next([nil, k1, k7]))
        }
      }
      for memory in memories(opcode, width) {
        a.vcmpps(
          next([k0, k3, k7]), next(registers), memory, next(Comparison.allCases),
          mask: next([nil, k1, k7]))
      }
    }
  }

  func masks() {
    let masks = (0..<8).map { MaskRegister($0) }
    for k in masks {
      for s in masks { a.kmovw(k, s) }
      for s in Self.generals {
        a.kmovw(k, s.low32)
        a.kmovw(s.low32, k)
      }
    }
    for memory in generalMemories {
      a.kmovw(next(masks), memory)
      a.kmovw(memory, next(masks))
    }
  }

  func generalForms() {
    for d in Self.generals {
      for s in Self.generals {
        for (d, s) in [(d, s), (d.low32, s.low32)] {
          a.mov(d, s)
          a.test(d, s)
          a.imul(d, s)
          a.imul(d, s, next([0, 5, -128, 127, 128, -129, 0x7FFF_FFFF]))
        }
      }
      for value in [0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] {
        a.mov(d, value)
        a.mov(d.low32, value)
      }
      for value in [-1, -0x8000_0000, -0x8000_0001, 0x1_0000_0000, .min, .max] {
        a.mov(d, value)
      }
      for register in [d, d.low32] {
        a.inc(register)
        a.dec(register)
        a.neg(register)
        for count: UInt8 in [0, 1, 2, 31] {
          a.shl(register, count)
          a.shr(register, count)
          a.sar(register, count)
        }
      }
      a.shl(d, 63)
      a.push(d)
      a.pop(d)
      a.call(d)
    }
    for memory in generalMemories {
      for register in [next(Self.generals), next(Self.generals).low32] {
        a.mov(register, memory)
        a.mov(memory, register)
      }
      a.lea(next(Self.generals), memory)
      a.prefetcht0(memory)
      a.prefetcht1(memory)
      a.prefetcht2(memory)
      a.prefetchnta(memory)
    }
    a.cpuid()
    a.xgetbv()
    a.ret()
  }
}
