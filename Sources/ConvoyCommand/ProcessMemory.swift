#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the system says of this process' memory.
enum ProcessMemory {
  /// The most bytes that the process held.
  static var peakBytes: Int {
    var usage = rusage()
    // RUSAGE_SELF, which not every C library lets Swift see as a number.
    getrusage(0, &usage)
    #if canImport(Darwin)
      return usage.ru_maxrss
    #else
      return Int(usage.ru_maxrss) << 10
    #endif
  }
}
