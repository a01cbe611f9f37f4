import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A block of floats at the beginning of a page, all zero at first.
///
/// `@unchecked Sendable`: the address never changes; who may write when is agreed by those who share
/// the block (`Plan`, `Variables`).
final class MemoryBlock: @unchecked Sendable {
  let address: UnsafeMutablePointer<Float>
  let count: Int

  /// How much memory the machine has.
  static var physicalBytes: Int {
    sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// - Throws: `ConvoyError` of kind `.resource` when the machine has less memory than that.
  init(count: Int) throws(ConvoyError) {
    let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: 4)
    let physical = MemoryBlock.physicalBytes
    let refusal = ConvoyError(
      .resource,
      "This needs \(count >> 18) MiB of memory; the machine has \(physical >> 20) MiB.")
    guard !overflow, bytes <= physical else { throw refusal }
    // Fresh pages are zero, and take memory only once they are touched.
    let raw = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let raw, raw != UnsafeMutableRawPointer(bitPattern: -1) else { throw refusal }
    LargePages.advise(UnsafeMutableRawBufferPointer(start: raw, count: bytes))
    address = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { munmap(address, max(count, 1) * 4) }
}
