import Testing

@testable import ConvoyAssembler

@Suite struct LabelTests {
  /// The bytes of a little code.
  private func bytes(_ write: (Assembler) -> Void) -> String {
    let a = Assembler()
    write(a)
    return hex(a.finish("test").bytes)
  }

  @Test func jumpsBackwardAreShortWhereTheyFit() {
    for (distance, jump, branch) in [
      (0, "ebfe", "75fe"), (126, "eb80", "7580"), (127, "e97cffffff", "0f857bffffff"),
    ] {
      let jumping = bytes { a in
        let top = a.here()
        a.nop(bytes: distance)
        a.jmp(top)
      }
      #expect(jumping.hasSuffix(jump) && jumping.count == 2 * distance + jump.count)
      let branching = bytes { a in
        let top = a.here()
        a.nop(bytes: distance)
        a.jne(top)
      }
      #expect(branching.hasSuffix(branch) && branching.count == 2 * distance + branch.count)
    }
  }

  @Test func jumpsForwardArePatched() {
    let code = bytes { a in
      let end = a.label()
      a.jmp(end)
      a.jg(end)
      a.ret()
      a.place(end)
    }
    #expect(code == "e907000000" + "0f8f01000000" + "c3")
  }

  /// Distances in fields of an instruction's word, as AArch64 has them: `b.eq`, 19 bits that count words.
  @Test func fixupsOfOtherKindsKeepTheRestOfTheWord() {
    let kind = FixupKind("a distance of 19 bits") { word, distance in
      let words = distance / 4
      guard words * 4 == distance, -1 << 18..<1 << 18 ~= words else { return nil }
      return word | UInt32(truncatingIfNeeded: words & (1 << 19 - 1)) << 5
    }
    let code = CodeBuffer(listing: false)
    let (top, end) = (code.here(), code.label())
    for target in [end, top] {
      code.fixNext(kind, to: target)
      code.append(littleEndian: 0x5400_0000 as UInt32)
    }
    code.place(end)
    #expect(hex(code.finish("test").bytes) == "40000054" + "e0ffff54")
  }

  @Test(.enabled(if: ReferenceAssembler() != nil, "clang is not installed"))
  func jumpsAreThoseOfClang() throws {
    let reference = try #require(ReferenceAssembler())
    let a = Assembler(listing: true)
    let top = a.here()
    let jumps = [
      a.jmp, a.jo, a.jno, a.jb, a.jae, a.je, a.jne, a.jbe, a.ja, a.js, a.jns, a.jp, a.jnp, a.jl,
      a.jge, a.jle, a.jg,
    ]
    for jump in jumps { jump(top) }
    for _ in 0..<128 { a.ret() }
    for jump in jumps { jump(top) }
    for register in [rax, rdi, r8, r15] { a.lea(register, top) }
    let lines = a.listing.map(\.text)
    #expect(try hex(reference.assemble(lines)) == hex(a.finish("jumps").bytes))
  }

  @Test(.enabled(if: ReferenceAssembler() != nil, "clang is not installed"))
  func paddingIsThatOfClang() throws {
    let reference = try #require(ReferenceAssembler())
    let forms = [
      "nop", "xchg ax, ax", "nop dword ptr [rax]", "{disp8} nop dword ptr [rax]",
      "{disp8} nop dword ptr [rax + 1*rax]", "{disp8} nop word ptr [rax + 1*rax]",
      "{disp32} nop dword ptr [rax]", "{disp32} nop dword ptr [rax + 1*rax]",
      "{disp32} nop word ptr [rax + 1*rax]",
    ]
    for (length, form) in zip(1..., forms) {
      #expect(try hex(reference.assemble([form])) == bytes { $0.nop(bytes: length) })
    }
    #expect(bytes { $0.nop(bytes: 11) } == bytes { $0.nop(bytes: 9) } + bytes { $0.nop(bytes: 2) })
  }

  @Test func aligningPadsToTheNextMultiple() {
    for offset in 0...64 {
      let a = Assembler()
      a.nop(bytes: offset)
      a.align(to: 16)
      #expect(a.position == (offset + 15) / 16 * 16)
    }
  }

  @Test func listingNamesInstructionsAndLabels() {
    let a = Assembler(listing: true)
    a.repeating(rcx) { a.vaddps(zmm(1), zmm(2), .broadcast(rdi + rax * 8 - 4), mask: .zeroing(k3)) }
    a.ret()
    #expect(
      a.listing.map { "\($0.position) \($0.text)" } == [
        "0 L0:", "0 vaddps zmm1 {k3} {z}, zmm2, dword ptr [rdi + 8*rax - 4]{1to16}",
        "8 dec rcx", "11 jne L0", "13 ret",
      ])
    #expect(Assembler().listing.isEmpty)
  }
}
