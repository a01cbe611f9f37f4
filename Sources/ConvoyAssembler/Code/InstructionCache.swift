#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The processor's cache of instructions, which need not notice that memory was written.
enum InstructionCache {
  /// Makes what was written to some memory visible to instruction fetches.
  ///
  /// Processors of x86-64 keep both caches coherent: nothing is to be done. On others the system is asked, by
  /// the function that its C compiler's runtime has for this; it is looked up, since Swift imports none.
  ///
  /// - Returns: whether it is visible; else the code must not be run.
  static func flush(_ begin: UnsafeMutableRawPointer, byteCount: Int) -> Bool {
    #if arch(x86_64)
      return true
    #elseif canImport(Darwin)
      // The macro RTLD_DEFAULT, which Swift does not import.
      let allLibraries = UnsafeMutableRawPointer(bitPattern: -2)
      typealias Function = @convention(c) (UnsafeMutableRawPointer, Int) -> Void
      guard let symbol = dlsym(allLibraries, "sys_icache_invalidate") else { return false }
      unsafeBitCast(symbol, to: Function.self)(begin, byteCount)
      return true
    #else
      typealias Function =
        @convention(c) (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
      guard let symbol = dlsym(nil, "__clear_cache") else { return false }
      unsafeBitCast(symbol, to: Function.self)(begin, begin + byteCount)
      return true
    #endif
  }
}
