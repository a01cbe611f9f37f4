import ConvoyAssembler

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Machine {
  /// What the processor can be, by its features and by whether the system lets code be generated.
  static var availableHere: [Machine] {
    let features = X86.ProcessorFeatures.current
    var machines = [portable]
    guard mayGenerateCode else { return machines }
    if features.instructions.isSuperset(of: [.avx, .avx2, .fma]) {
      machines.append(avx2(features.caches))
      // Byte, word and narrow forms come with the foundation in all but long gone processors.
      if features.instructions.isSuperset(of: [.avx512F, .avx512DQ, .avx512BW, .avx512VL]) {
        machines.append(avx512(features.caches))
      }
    }
    return machines
  }

  /// The best machine available, or the one that the environment asks for.
  static var chosen: Machine {
    let value = getenv("CONVOY_ISA").map { String(cString: $0) }
    let (machine, notice) = choose(value, from: available)
    if let notice { Notice.say(notice) }
    return machine
  }

  /// The machine of a name, or the best one; and what is to be said if there is none of that name.
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

  /// Whether the system gives memory that code can be written to and then executed.
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

/// Sentences on standard error that no one asked for: once each, and few.
enum Notice {
  static func say(_ sentence: String) {
    let line = Array("convoy: \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
