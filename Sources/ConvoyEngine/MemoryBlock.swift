import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A block of bytes that begins at a page, initially zero.
///
/// `@unchecked Sendable`: the address never changes; the owners of the block (`Plan`, `Variables`)
/// control who writes to it, and when.
final class MemoryBlock: @unchecked Sendable {
  let address: UnsafeMutableRawPointer
  let byteCount: Int

  /// - Parameter purpose: what is kept there, as a plural subject: "The packed weights".
  /// - Throws: `ConvoyError` of kind `.resource` where there is less memory than that.
  init(byteCount: Int, for purpose: String) throws(ConvoyError) {
    let bytes = max(byteCount, 1)
    try AvailableMemory.require(bytes, for: purpose)
    // Fresh pages are zero, and use memory only once they are accessed.
    let raw = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let raw, raw != UnsafeMutableRawPointer(bitPattern: -1) else {
      throw AvailableMemory.refusal(bytes, for: purpose)
    }
    LargePages.advise(UnsafeMutableRawBufferPointer(start: raw, count: bytes))
    address = raw
    self.byteCount = byteCount
  }

  /// Gives whole pages back to the system, from an offset to the end; nothing reads them
  /// any more.
  func discard(from offset: Int) {
    let page = sysconf(Int32(_SC_PAGESIZE))
    let first = (offset + page - 1) / page * page
    if first < byteCount { madvise(address + first, byteCount - first, MADV_DONTNEED) }
  }

  deinit { munmap(address, max(byteCount, 1)) }
}
