import ConvoyAssembler
import Testing

#if compiler(>=6.2)
  /// Wrong combinations of operands stop the program.
  @Suite struct MisuseTests {
    @Test func zeroingByNoMask() async {
      await #expect(processExitsWith: .failure) {
        Assembler().vmovups(zmm(0), [rdi], mask: .zeroing(k0))
      }
    }

    @Test func zeroingMemory() async {
      await #expect(processExitsWith: .failure) {
        Assembler().vmovups([rdi], zmm(0), mask: .zeroing(k1))
      }
    }

    @Test func registerBeyondVEX() async {
      await #expect(processExitsWith: .failure) {
        Assembler().vblendvps(ymm(0), ymm(1), ymm(16), ymm(3))
      }
      await #expect(processExitsWith: .failure) {
        Assembler().vblendvps(ymm(0), ymm(1), ymm(2), ymm(16))
      }
    }

    @Test func widthThatTheInstructionLacks() async {
      await #expect(processExitsWith: .failure) { Assembler().vpermps(xmm(0), xmm(1), xmm(2)) }
    }

    @Test func mixedWidths() async {
      await #expect(processExitsWith: .failure) { Assembler().vaddps(ymm(0), ymm(1), xmm(2)) }
      await #expect(processExitsWith: .failure) { Assembler().mov(rax, ecx) }
    }

    @Test func broadcastThatTheInstructionLacks() async {
      await #expect(processExitsWith: .failure) { Assembler().vmovsldup(zmm(0), .broadcast(rdi)) }
    }

    @Test func impossibleAddresses() async {
      await #expect(processExitsWith: .failure) { Assembler().lea(rax, [rdi + rsp]) }
      await #expect(processExitsWith: .failure) { Assembler().lea(rax, [rdi + rcx * 3]) }
      await #expect(processExitsWith: .failure) { Assembler().lea(rax, [rdi + 0x8000_0000]) }
      await #expect(processExitsWith: .failure) { Assembler().lea(rax, [rdi, rsi]) }
    }

    @Test func constantBeyond32Bits() async {
      await #expect(processExitsWith: .failure) { Assembler().add(rax, 0x8000_0000) }
      await #expect(processExitsWith: .failure) { Assembler().mov(eax, -1) }
    }

    @Test func labelThatIsNeverPlaced() async {
      await #expect(processExitsWith: .failure) {
        let a = Assembler()
        a.jmp(a.label())
        _ = a.finish("endless")
      }
    }

    @Test func labelThatIsPlacedTwice() async {
      await #expect(processExitsWith: .failure) {
        let a = Assembler()
        a.place(a.here())
      }
    }
  }
#endif
