#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The file in which `perf` looks up the names of generated functions.
///
/// Source: the Linux kernel's `tools/perf/Documentation/jit-interface.txt`.
struct PerfMap: Sendable {
  /// The path of the file.
  let path: String

  /// This process's file, if the environment has `CONVOY_PERF_MAP=1`.
  static let requested: PerfMap? = {
    guard let value = getenv("CONVOY_PERF_MAP"), String(cString: value) == "1" else { return nil }
    return PerfMap(path: "\(P_tmpdir)/perf-\(getpid()).map")
  }()

  /// Appends a line for every function: address and size in hexadecimal, name.
  ///
  /// Errors are ignored: nothing but profiles depends on the file.
  func append(_ functions: [MachineCode], at addresses: [UInt]) {
    guard let file = fopen(path, "a") else { return }
    defer { fclose(file) }
    for (function, address) in zip(functions, addresses) {
      let begin = String(address, radix: 16)
      let size = String(function.bytes.count, radix: 16)
      fputs("\(begin) \(size) \(function.name)\n", file)
    }
  }
}
