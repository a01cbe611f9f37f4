import ConvoyAssembler

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Machine {
  /// Processors that are described alike.
  struct Family: Sendable {
    /// The instructions that a processor of the family has.
    var instructions: X86.InstructionSets
    /// The machine, with the sizes of a processor's caches.
    var machine: @Sendable (CacheSizes) -> Machine
  }

  /// The families for which code is generated, the slowest first.
  static let families = [
    Family(instructions: [.avx, .avx2, .fma]) { avx2($0) },
    // All processors with the foundation have DQ, BW and VL too, except the discontinued Xeon Phi.
    Family(
      instructions: [.avx, .avx2, .fma, .avx512F, .avx512DQ, .avx512BW, .avx512VL]
    ) { avx512($0) },
  ]

  /// The machines that this processor can be, by its features and by whether the system permits
  /// generated code.
  static var availableHere: [Machine] {
    guard mayGenerateCode else { return [portable] }
    let features = X86.ProcessorFeatures.current
    let found = families.filter { features.instructions.isSuperset(of: $0.instructions) }
    return [portable] + found.map { $0.machine(features.caches) }
  }

  /// The fastest machine available, or the one that the environment names.
  static var chosen: Machine {
    let value = getenv("CONVOY_ISA").map { String(cString: $0) }
    let (machine, notice) = choose(value, from: available)
    if let notice { Notice.say(notice) }
    return machine
  }

  /// The machine of a given name, or the fastest one; and a notice to print if no machine has that
  /// name.
  ///
  /// - Parameter machines: from the slowest to the fastest, at least one.
  static func choose(_ name: String?, from machines: [Machine]) -> (Machine, notice: String?) {
    let best = machines.last ?? .portable
    guard let name, !name.isEmpty else { return (best, nil) }
    if let machine = machines.first(where: { $0.name == name }) { return (machine, nil) }
    let known = machines.map(\.name).joined(separator: ", ")
    return (
      best, "CONVOY_ISA asks for \(name), but this processor can be \(known); \(best.name) is used."
    )
  }

  /// Whether the system provides memory that code can be written to and then executed.
  private static var mayGenerateCode: Bool {
    #if arch(x86_64)
      let probe = X86.Assembler()
      probe.ret()
      do {
        _ = try ExecutableMemory([probe.finish("probe")])
        return true
      } catch {
        Notice.say("\(error) Convoy uses its portable kernels, which are several times slower.")
        return false
      }
    #else
      return false
    #endif
  }
}

/// Notices that are printed on standard error, each at most once.
enum Notice {
  static func say(_ sentence: String) {
    let line = Array("convoy: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
