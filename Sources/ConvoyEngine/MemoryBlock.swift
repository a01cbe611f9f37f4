import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A block of floats at an address divisible by 64, all zero at first.
///
/// `@unchecked Sendable`: the address never changes; who may write when is agreed by those who share
/// the block (`Plan`, `Variables`).
final class MemoryBlock: @unchecked Sendable {
  let address: UnsafeMutablePointer<Float>
  let count: Int

  /// - Throws: `ConvoyError` of kind `.resource` when the machine has less memory than that.
  init(count: Int) throws(ConvoyError) {
    let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(by: 4)
    let physical = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    var raw: UnsafeMutableRawPointer?
    guard !overflow, bytes <= physical, posix_memalign(&raw, 64, bytes) == 0, let raw else {
      throw ConvoyError(
        .resource,
        "This needs \(count / 262_144) MiB of memory; the machine has \(physical >> 20) MiB.")
    }
    memset(raw, 0, bytes)
    address = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { free(address) }
}
