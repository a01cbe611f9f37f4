#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Asks the system to back large fresh memory with large pages: a network's weights are then a few page
/// faults, not tens of thousands.
package enum LargePages {
  /// A hint for memory that has not been touched yet; does nothing for less than 4 MiB.
  package static func advise(_ memory: UnsafeMutableRawBufferPointer) {
    #if os(Linux)
      let page = 1 << 12
      guard memory.count >= 4 << 20, let address = memory.baseAddress else { return }
      let skipped = (page - Int(bitPattern: address) % page) % page
      madvise(address + skipped, (memory.count - skipped) & ~(page - 1), MADV_HUGEPAGE)
    #endif
  }
}
