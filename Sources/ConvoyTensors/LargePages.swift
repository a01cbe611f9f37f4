#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Asks the system to back large fresh memory with large pages: touching a network's weights then
/// causes a few page faults rather than tens of thousands.
package enum LargePages {
  /// Advises the system about memory that has not been accessed yet; no effect below 4 MiB.
  package static func advise(_ memory: UnsafeMutableRawBufferPointer) {
    #if os(Linux)
      let page = 1 << 12
      guard memory.count >= 4 << 20, let address = memory.baseAddress else { return }
      let skipped = (page - Int(bitPattern: address) % page) % page
      madvise(address + skipped, (memory.count - skipped) & ~(page - 1), MADV_HUGEPAGE)
    #endif
  }
}
