#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The host name of this machine; empty if it has none.
func currentHostName() -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { bytes in
    bytes.initialize(repeating: 0)
    guard let start = bytes.baseAddress, gethostname(start, bytes.count - 1) == 0 else { return "" }
    return String(cString: start)
  }
}

/// A rank in messages: `Rank 2 (node7)`, without the machine's name as long as it is not known.
func rankName(_ rank: Int, host: String) -> String {
  host.isEmpty ? "Rank \(rank)" : "Rank \(rank) (\(host))"
}
