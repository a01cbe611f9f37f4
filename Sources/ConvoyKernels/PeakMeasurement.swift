import ConvoyAssembler
import ConvoyTensors

/// Measures the peak rate of multiply-adds: the reference of "per cent of peak".
///
/// Twelve independent chains of fused multiply-adds on the widest registers are enough to hide
/// their latency. Where no code can be generated, the same is done in plain Swift.
package enum PeakMeasurement {
  /// GFLOP/s of one thread, the best of several measurements; a multiply-add counts as two.
  package static func gigaflopsPerSecond() -> Double {
    generated() ?? portable()
  }

  private static let chains = 12
  private static let rounds = 200_000

  private static func generated() -> Double? {
    let instructions = X86.ProcessorFeatures.current.instructions
    let width: X86.VectorWidth
    if instructions.contains(.avx512F) {
      width = .zmm
    } else if instructions.contains(.fma) {
      width = .ymm
    } else {
      return nil
    }
    #if arch(x86_64)
      let assembler = X86.Assembler()
      for chain in 0..<chains {
        let register = X86.VectorRegister(chain, width)
        assembler.vxorps(register, register, register)
      }
      assembler.mov(X86.rax, X86.rdi)
      assembler.repeating(X86.rax) {
        for _ in 0..<4 {
          for chain in 0..<chains {
            let register = X86.VectorRegister(chain, width)
            assembler.vfmadd231ps(register, register, register)
          }
        }
      }
      assembler.vzeroupper()
      assembler.ret()
      guard let memory = try? ExecutableMemory([assembler.finish("peak")]) else { return nil }
      let loop = memory.function(0, as: (@convention(c) (Int) -> Void).self)
      let operations = Double(4 * chains * rounds * width.lanes * 2)
      return withExtendedLifetime(memory) { best(operations) { loop(rounds) } }
    #else
      return nil
    #endif
  }

  private static func portable() -> Double {
    var sums = (Lanes.zero, Lanes.zero, Lanes.zero)
    let factor = Lanes(repeating: 0.5)
    let result = best(Double(3 * rounds * 16 * 2)) {
      for _ in 0..<rounds {
        sums.0 = sums.0 * factor + factor
        sums.1 = sums.1 * factor + factor
        sums.2 = sums.2 * factor + factor
      }
    }
    // The sums are used, so that the compiler does not remove the loop.
    return sums.0[0] + sums.1[1] + sums.2[2] < 0 ? 0 : result
  }

  private static func best(_ operations: Double, _ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    var seconds = Double.infinity
    for _ in 0..<8 {
      let start = clock.now
      body()
      seconds = min(seconds, (clock.now - start) / .seconds(1))
    }
    return operations / seconds * 1e-9
  }
}
