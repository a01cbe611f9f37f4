import ConvoyAssembler

// The rows of the instruction tables, by form. A new instruction is added here, too.

extension InstructionCases {
  var threeOperandRows: [ThreeOperands] {
    [
      a.vaddps, a.vsubps, a.vmulps, a.vdivps, a.vmaxps, a.vminps,
      a.vfmadd132ps, a.vfmadd213ps, a.vfmadd231ps,
      a.vfnmadd132ps, a.vfnmadd213ps, a.vfnmadd231ps,
      a.vandps, a.vandnps, a.vorps, a.vxorps,
      a.vpermps, a.vpermt2ps, a.vpermi2ps, a.vunpcklps, a.vunpckhps, a.vblendmps,
      a.vpaddd, a.vpsubd, a.vpmulld, a.vpmaxsd, a.vpminsd,
      a.vpand, a.vpandd, a.vpor, a.vpord, a.vpxor, a.vpxord,
      a.vpdpbusd, a.vdpbf16ps,
    ]
  }

  var threeOperandAndImmediateRows: [ThreeOperandsAndImmediate] {
    [
      a.valignd, a.vshufps, a.vshuff32x4, a.vperm2f128, a.vblendps,
      a.vinsertf128, a.vinsertf32x4, a.vinsertf32x8,
    ]
  }

  var twoOperandRows: [TwoOperands] {
    [
      a.vsqrtps, a.vmovsldup, a.vmovshdup, a.vcvtps2dq, a.vcvttps2dq, a.vcvtdq2ps,
      a.vbroadcastss, a.vpbroadcastd, a.vpmovzxwd,
    ]
  }

  var twoOperandAndImmediateRows: [TwoOperandsAndImmediate] {
    [a.vpermilps, a.vrndscaleps, a.vroundps]
  }

  var shiftRows: [ShiftByImmediate] { [a.vpslld, a.vpsrad, a.vpsrld] }

  var extractionRows: [Extraction] { [a.vextractf128, a.vextractf32x4, a.vextractf32x8] }

  var moveRows: [Move] { [a.vmovups, a.vmovaps] }

  var arithmeticRows: [IntegerOperation] { [a.add, a.or, a.and, a.sub, a.xor, a.cmp] }
}
