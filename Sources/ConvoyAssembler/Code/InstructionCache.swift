#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The processor's instruction cache, which need not be coherent with writes to memory.
enum InstructionCache {
  /// Makes writes to memory visible to instruction fetches.
  ///
  /// On x86-64 both caches are coherent, and nothing is done. On other processors this calls the
  /// function of the C compiler's runtime for this purpose, by a dynamic look-up, since Swift does
  /// not import it.
  ///
  /// - Returns: whether the writes are visible; otherwise the code must not be run.
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
