import ConvoyAssembler
import Testing

#if arch(x86_64)
  private let features = ProcessorFeatures.current.instructions
  private let hasAVX2 = features.isSuperset(of: [.avx2, .fma])
  private let hasAVX512 = features.isSuperset(of: [.avx512F, .avx512VL, .avx512DQ])

  /// Code of a few lines.
  func assemble(_ write: (Assembler) -> Void) -> MachineCode {
    let a = Assembler()
    write(a)
    a.ret()
    return a.finish("test")
  }

  /// Generated code, run.
  @Suite struct ExecutionTests {
    typealias OfTwoIntegers = @convention(c) (Int, Int) -> Int
    /// Reads from the first pointer, writes to the second.
    typealias OfFloats = @convention(c) (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    typealias OfFloatsAndCount =
      @convention(c) (
        UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
      ) -> Void

    @Test func addsIntegers() throws {
      let memory = try ExecutableMemory([assemble { $0.lea(rax, [rdi + rsi * 1]) }])
      withExtendedLifetime(memory) {
        let add = memory.function(as: OfTwoIntegers.self)
        #expect(add(40, 2) == 42)
        #expect(add(-1, .max) == .max - 1)
      }
    }

    @Test func loopsAndBranches() throws {
      // The sum of the multiples of the second argument from the first down to 1.
      let code = assemble { a in
        let (next, end) = (a.label(), a.label())
        a.xor(rax, rax)
        a.mov(rcx, rsi)
        let top = a.here()
        a.cmp(rcx, rdi)
        a.jg(end)
        a.add(rax, rcx)
        a.jmp(next)
        a.mov(rax, -1)  // Never reached.
        a.place(next)
        a.add(rcx, rsi)
        a.jmp(top)
        a.place(end)
      }
      let memory = try ExecutableMemory([code])
      withExtendedLifetime(memory) {
        let sum = memory.function(as: OfTwoIntegers.self)
        for (limit, step) in [(0, 1), (1, 1), (100, 1), (100, 7), (6, 7)] {
          #expect(sum(limit, step) == stride(from: step, through: limit, by: step).reduce(0, +))
        }
      }
    }

    @Test func constantsOfAllSizesAreMoved() throws {
      for value in [0, 1, -1, 0xFFFF_FFFF, 0x1_0000_0000, Int.max, .min, -0x8000_0000] {
        let memory = try ExecutableMemory([assemble { $0.mov(rax, value) }])
        withExtendedLifetime(memory) {
          #expect(memory.function(as: OfTwoIntegers.self)(0, 0) == value)
        }
      }
    }

    @Test func preservesRegistersOfTheCaller() throws {
      let preserved = [rbx, rbp, r12, r13, r14, r15]
      let overwriting = assemble { a in
        a.preserving(preserved) { for register in preserved { a.mov(register, 0) } }
      }
      // Calls the first argument; counts the registers that are not what they were.
      let caller = assemble { a in
        a.preserving(preserved) {
          for (index, register) in preserved.enumerated() {
            a.mov(register, 0x1234_5678_9ABC + index)
          }
          a.call(rdi)
          a.xor(rax, rax)
          for (index, register) in preserved.enumerated() {
            let same = a.label()
            a.mov(rcx, 0x1234_5678_9ABC + index)
            a.cmp(register, rcx)
            a.je(same)
            a.inc(rax)
            a.place(same)
          }
        }
      }
      let harmful = assemble { a in for register in preserved { a.mov(register, 0) } }
      let memory = try ExecutableMemory([caller, overwriting, harmful])
      withExtendedLifetime(memory) {
        let count = memory.function(as: OfTwoIntegers.self)
        #expect(count(Int(bitPattern: memory.address(of: 1)), 0) == 0)
        #expect(count(Int(bitPattern: memory.address(of: 2)), 0) == preserved.count)
      }
    }

    @Test(.enabled(if: hasAVX2), arguments: [VectorWidth.xmm, .ymm])
    func fusedMultiplyAddWithAVX2(width: VectorWidth) throws {
      try checkFusedMultiplyAdd(width)
    }

    @Test(.enabled(if: hasAVX512), arguments: VectorWidth.allCases)
    func fusedMultiplyAddWithAVX512(width: VectorWidth) throws {
      try checkFusedMultiplyAdd(width, firstRegister: 28)
    }

    /// `y = x · y + x`, four vectors at a time, compared bit by bit.
    private func checkFusedMultiplyAdd(_ width: VectorWidth, firstRegister: Int = 0) throws {
      let tile = (0..<4).map { VectorRegister(firstRegister + $0, width) }
      let bytes = width.rawValue
      let x = VectorRegister(5, width)
      let code = assemble { a in
        a.repeating(rdx) {
          for (i, y) in tile.enumerated() { a.vmovups(y, [rsi + i * bytes]) }
          for (i, y) in tile.enumerated() {
            a.vmovups(x, [rdi + i * bytes])
            a.vfmadd213ps(y, x, [rdi + i * bytes])
          }
          for (i, y) in tile.enumerated() { a.vmovups([rsi + i * bytes], y) }
          a.add(rdi, 4 * bytes)
          a.add(rsi, 4 * bytes)
        }
        a.vzeroupper()
      }
      let memory = try ExecutableMemory([code])
      let count = 3 * 4 * width.lanes
      let input = (0..<count).map { Float($0) * 0.37 - 5 }
      var output = (0..<count).map { 1 / Float($0 + 1) }
      let expected = zip(input, output).map { $0.addingProduct($0, $1) }
      withExtendedLifetime(memory) {
        memory.function(as: OfFloatsAndCount.self)(input, &output, 3)
      }
      #expect(output == expected)
    }

    @Test(.enabled(if: hasAVX512)) func exampleOfTheDocumentation() throws {
      let a = Assembler()
      a.repeating(rdx) {
        a.vmovups(zmm(0), [rsi])
        a.vmovups(zmm(1), [rdi])
        a.vfmadd231ps(zmm(0), zmm(1), .broadcast(rcx))
        a.vmovups([rsi], zmm(0))
        a.add(rdi, 64)
        a.add(rsi, 64)
      }
      a.vzeroupper()
      a.ret()
      let memory = try ExecutableMemory([a.finish("axpy")])
      typealias Function =
        @convention(c) (
          UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, UnsafePointer<Float>
        ) -> Void
      let x = (0..<48).map { Float($0) / 7 }
      var y = x.map { 1 - $0 * $0 }
      let w: Float = 0.3
      let expected = zip(x, y).map { $1.addingProduct($0, w) }
      withExtendedLifetime(memory) { memory.function(as: Function.self)(x, &y, 3, [w]) }
      #expect(y == expected)
    }

    @Test(.enabled(if: hasAVX512)) func masksKeepTailsUntouched() throws {
      // Doubles 16 floats, but loads and stores only as many as the third argument says.
      let code = assemble { a in
        a.mov(rcx, rdx)
        a.mov(rax, 1)
        let (top, end) = (a.label(), a.label())
        a.place(top)
        a.test(rcx, rcx)
        a.je(end)
        a.shl(rax, 1)
        a.dec(rcx)
        a.jmp(top)
        a.place(end)
        a.dec(rax)
        a.kmovw(k1, eax)
        a.vmovups(zmm(17), [rdi], mask: .zeroing(k1))
        a.vaddps(zmm(17), zmm(17), zmm(17))
        a.vmovups([rsi], zmm(17), mask: .merging(k1))
        a.vzeroupper()
      }
      let memory = try ExecutableMemory([code])
      for count in 0...16 {
        let input = (0..<count).map { Float($0) + 0.5 }
        var output = [Float](repeating: -7, count: 16)
        withExtendedLifetime(memory) {
          memory.function(as: OfFloatsAndCount.self)(input, &output, count)
        }
        #expect(output == input.map { 2 * $0 } + [Float](repeating: -7, count: 16 - count))
      }
    }

    @Test(.enabled(if: hasAVX2)) func masksOfAVXKeepTailsUntouched() throws {
      let code = assemble { a in
        a.vmovups(ymm(0), [rdi])
        a.vcmpps(ymm(1), ymm(0), [rdi + 32], .less)
        a.vmaskmovps([rsi], ymm(1), ymm(0))
        a.vzeroupper()
      }
      let memory = try ExecutableMemory([code])
      let input: [Float] = [1, 2, 3, .nan, 5, 6, 7, -0.0] + [2, 2, 4, 5, 4, .infinity, 8, 0]
      var output = [Float](repeating: -7, count: 8)
      withExtendedLifetime(memory) { memory.function(as: OfFloats.self)(input, &output) }
      #expect(output == [1, -7, 3, -7, -7, 6, 7, -7])
    }

    /// Where each lane of a permutation of `0, 1, …, 31` comes from.
    private func lanes(_ width: VectorWidth, _ permute: (Assembler) -> Void) throws -> [Int] {
      let code = assemble { a in
        permute(a)
        a.vmovups([rsi], VectorRegister(0, width))
        a.vzeroupper()
      }
      let memory = try ExecutableMemory([code])
      let input = (0..<32).map(Float.init)
      var output = [Float](repeating: -1, count: width.lanes)
      withExtendedLifetime(memory) { memory.function(as: OfFloats.self)(input, &output) }
      return output.map { Int($0) }
    }

    @Test(.enabled(if: hasAVX2)) func permutationsOfAVX2() throws {
      let evens = try lanes(.ymm) { $0.vmovsldup(ymm(0), [rdi]) }
      #expect(evens == [0, 0, 2, 2, 4, 4, 6, 6])
      let odds = try lanes(.ymm) { $0.vmovshdup(ymm(0), [rdi]) }
      #expect(odds == [1, 1, 3, 3, 5, 5, 7, 7])
      let third = try lanes(.ymm) { $0.vpermilps(ymm(0), [rdi], 0b10_10_10_10) }
      #expect(third == [2, 2, 2, 2, 6, 6, 6, 6])
      let swapped = try lanes(.ymm) { a in
        a.vmovups(ymm(1), [rdi])
        a.vperm2f128(ymm(0), ymm(1), [rdi + 32], 0x21)
      }
      #expect(swapped == [4, 5, 6, 7, 8, 9, 10, 11])
      let reversed = try lanes(.ymm) { a in
        a.lea(rax, a.constants((0..<8).reversed()))
        a.vmovaps(ymm(1), [rax])
        a.vpermps(ymm(0), ymm(1), [rdi])
      }
      #expect(reversed == [7, 6, 5, 4, 3, 2, 1, 0])
      let broadcast = try lanes(.ymm) { $0.vbroadcastf128(ymm(0), [rdi + 4]) }
      #expect(broadcast == [1, 2, 3, 4, 1, 2, 3, 4])
    }

    @Test(.enabled(if: hasAVX512)) func permutationsOfAVX512() throws {
      let quads = try lanes(.zmm) { $0.vpermilps(zmm(0), [rdi + 64], 0) }
      #expect(quads == (0..<16).map { 16 + $0 / 4 * 4 })
      let interleaved = try lanes(.zmm) { a in
        a.lea(rax, a.constants((0..<16).map { $0 / 2 + $0 % 2 * 16 }))
        a.vmovups(zmm(0), [rdi])
        a.vmovups(zmm(31), [rax])
        a.vpermt2ps(zmm(0), zmm(31), [rdi + 64])
      }
      #expect(interleaved == (0..<16).map { $0 / 2 + $0 % 2 * 16 })
      let quarters = try lanes(.zmm) { a in
        a.vmovups(zmm(20), [rdi])
        a.vshuff32x4(zmm(0), zmm(20), zmm(20), 0b00_01_10_11)
      }
      #expect(quarters == (0..<16).map { (3 - $0 / 4) * 4 + $0 % 4 })
      let rotated = try lanes(.zmm) { a in
        a.vmovups(zmm(20), [rdi])
        a.valignd(zmm(0), zmm(20), zmm(20), 1)
      }
      #expect(rotated == (0..<16).map { ($0 + 1) % 16 })
      let halves = try lanes(.zmm) { a in
        a.vmovups(zmm(20), [rdi])
        a.vextractf32x8(ymm(21), zmm(20), 1)
        a.vinsertf32x8(zmm(0), zmm(20), ymm(21), 0)
      }
      #expect(halves == (0..<16).map { 8 + $0 % 8 })
      let repeated = try lanes(.zmm) { $0.vbroadcastf32x4(zmm(0), [rdi + 16]) }
      #expect(repeated == (0..<16).map { 4 + $0 % 4 })
      let pairs = try lanes(.zmm) { $0.vbroadcastf32x2(zmm(0), [rdi + 16]) }
      #expect(pairs == (0..<16).map { 4 + $0 % 2 })
      let eights = try lanes(.zmm) { $0.vbroadcastf32x8(zmm(0), [rdi + 16]) }
      #expect(eights == (0..<16).map { 4 + $0 % 8 })
    }

    @Test(.enabled(if: hasAVX512)) func broadcastsAreOneNumberInAllLanes() throws {
      let sums = try lanes(.zmm) { a in
        a.vmovups(zmm(1), [rdi])
        a.vaddps(zmm(1), zmm(1), .broadcast(rdi + 28))
        a.vbroadcastss(zmm(2), [rdi + 8])
        a.vsubps(zmm(0), zmm(1), zmm(2))
      }
      #expect(sums == (0..<16).map { $0 + 7 - 2 })
    }

    @Test(.enabled(if: hasAVX512)) func choosesByComparison() throws {
      let chosen = try lanes(.zmm) { a in
        a.vmovups(zmm(16), [rdi])
        a.vmovups(zmm(17), [rdi + 64])
        a.vcmpps(k2, zmm(16), .broadcast(rdi + 20), .less)
        a.vblendmps(zmm(0), zmm(16), zmm(17), mask: .merging(k2))
      }
      #expect(chosen == (0..<16).map { $0 < 5 ? $0 + 16 : $0 })
    }
  }
#endif
