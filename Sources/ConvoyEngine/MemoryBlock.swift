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

  /// The size of the machine's memory.
  static var physicalBytes: Int {
    sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// - Throws: `ConvoyError` of kind `.resource` when the machine has less memory than that.
  init(byteCount: Int) throws(ConvoyError) {
    let bytes = max(byteCount, 1)
    let physical = MemoryBlock.physicalBytes
    let refusal = ConvoyError(
      .resource,
      "This needs \(byteCount >> 20) MiB of memory; the machine has \(physical >> 20) MiB.")
    guard bytes <= physical else { throw refusal }
    // Fresh pages are zero, and use memory only once they are accessed.
    let raw = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let raw, raw != UnsafeMutableRawPointer(bitPattern: -1) else { throw refusal }
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
