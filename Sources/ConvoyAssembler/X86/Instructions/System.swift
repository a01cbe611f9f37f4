/// Hints, padding, and queries of the processor.
extension X86.Assembler {
  /// Prefetches a cache line into all levels.
  public func prefetcht0(_ s: Memory) { prefetch("prefetcht0", 1, s) }
  /// Prefetches a cache line into the second level and higher ones.
  public func prefetcht1(_ s: Memory) { prefetch("prefetcht1", 2, s) }
  /// Prefetches a cache line into the third level.
  public func prefetcht2(_ s: Memory) { prefetch("prefetcht2", 3, s) }
  /// Prefetches a cache line that will be used once.
  public func prefetchnta(_ s: Memory) { prefetch("prefetchnta", 0, s) }

  /// Queries the processor: the leaf in eax and ecx, the result in eax…edx.
  public func cpuid() {
    list { "cpuid" }
    for byte: UInt8 in [0x0F, 0xA2] { append(byte) }
  }

  /// edx:eax = the extended control register whose number is in ecx.
  public func xgetbv() {
    list { "xgetbv" }
    for byte: UInt8 in [0x0F, 0x01, 0xD0] { append(byte) }
  }

  /// Appends the fewest instructions without effect that fill a number of bytes.
  ///
  /// Source: Intel's Software Developer's Manual, volume 2, "NOP", table 4-12.
  public func nop(bytes count: Int) {
    var rest = count
    while rest > 0 {
      let length = min(rest, X86.Assembler.nops.count)
      list { "nop  # \(length) bytes" }
      for byte in X86.Assembler.nops[length - 1] { append(byte) }
      rest -= length
    }
  }

  private func prefetch(_ name: String, _ digit: UInt8, _ s: Memory) {
    list { "\(name) \(s.text)" }
    appendGeneral([0x0F, 0x18], wide: false, digit, .memory(s))
  }

  private static let nops: [[UInt8]] = [
    [0x90],
    [0x66, 0x90],
    [0x0F, 0x1F, 0x00],
    [0x0F, 0x1F, 0x40, 0x00],
    [0x0F, 0x1F, 0x44, 0x00, 0x00],
    [0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00],
    [0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00],
    [0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    [0x66, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
  ]
}
