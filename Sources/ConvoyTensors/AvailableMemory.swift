import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How much memory this process can still have, asked before much of it is taken.
///
/// Where memory is refused, Swift's arrays abort the process; where the system promised more than it has, it
/// kills the process at the first access. Both are foreseen here, for single amounts from 1 MiB up. What is
/// taken in small pieces, and what other processes take at the same moment, cannot be foreseen.
package enum AvailableMemory {
  /// A bound on the process's memory, and how much of it is left.
  struct Bound: Equatable {
    /// What bounds it, as in "of the 390 MiB that *this process may address*".
    var name: String
    var total: Int
    var left: Int
  }

  /// Throws unless so many bytes can be had now.
  ///
  /// - Parameter purpose: what takes them, as a plural subject: "The packed weights".
  /// - Throws: `ConvoyError` of kind `.resource` that says how much is needed, and how much there is.
  /// - Complexity: O(1); a system call for each amount, some files of the system's for each 64 MiB.
  package static func require(
    _ byteCount: Int, for purpose: @autoclosure () -> String
  ) throws(ConvoyError) {
    guard let bound = shortage(of: byteCount) else { return }
    throw refusal(byteCount, for: purpose(), bound)
  }

  /// Ends the process, with a sentence on standard error and status 1, unless so many bytes can be had now.
  ///
  /// For memory that is taken where nothing can be thrown: the alternative is an abort by the array.
  package static func claim(_ byteCount: Int, for purpose: @autoclosure () -> String) {
    guard let bound = shortage(of: byteCount) else { return }
    var sentence = "convoy: \(refusal(byteCount, for: purpose(), bound).message)\n"
    sentence.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    _exit(1)
  }

  /// The error for memory that the system has refused.
  package static func refusal(_ byteCount: Int, for purpose: String) -> ConvoyError {
    let tightest = bounds().min { $0.left < $1.left }
    return refusal(
      byteCount, for: purpose, tightest ?? Bound(name: "this machine has", total: 0, left: 0))
  }

  private static func refusal(
    _ byteCount: Int, for purpose: String, _ bound: Bound
  ) -> ConvoyError {
    let mebi = 1 << 20
    return ConvoyError(
      .resource,
      "\(purpose) need \((byteCount + mebi - 1) / mebi) MiB of memory, but only "
        + "\(max(0, bound.left) / mebi) MiB are left of the \(bound.total / mebi) MiB that "
        + "\(bound.name).")
  }

  // MARK: Looking

  /// The size of the machine's memory.
  package static var physicalBytes: Int {
    sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
  }

  /// What was asked for so far: the system's files are read once in a while only.
  private static let asked = Atomic<Int>(0)
  private static let leastAmount = 1 << 20
  private static let period = 26

  /// The bound that so many bytes would exceed, if any.
  private static func shortage(of byteCount: Int) -> Bound? {
    guard byteCount >= leastAmount else { return nil }
    let isRefused = byteCount > physicalBytes << 4 || !canMap(byteCount)
    let amount = min(byteCount, 1 << 40)
    let before = asked.wrappingAdd(amount, ordering: .relaxed).oldValue
    guard isRefused || before >> period != (before &+ amount) >> period else { return nil }
    let tightest = bounds().min { $0.left < $1.left }
    guard let tightest, isRefused || tightest.left < byteCount else { return nil }
    return tightest
  }

  /// Whether the system would give so many bytes; they are given back at once.
  private static func canMap(_ byteCount: Int) -> Bool {
    let raw = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let raw, raw != UnsafeMutableRawPointer(bitPattern: -1) else { return false }
    munmap(raw, byteCount)
    return true
  }

  private static func bounds() -> [Bound] {
    [machine(), addressSpace()].compactMap { $0 } + controlGroups()
  }

  /// What the machine has, besides what cannot be given up.
  private static func machine() -> Bound? {
    let name = "this machine has"
    guard let fields = SystemFile.fields("/proc/meminfo"), let left = fields["MemAvailable"] else {
      return Bound(name: name, total: physicalBytes, left: physicalBytes)
    }
    return Bound(
      name: name, total: physicalBytes, left: (left + (fields["SwapFree"] ?? 0)) << 10)
  }

  /// What `ulimit -v` leaves.
  private static func addressSpace() -> Bound? {
    let line = SystemFile.lines("/proc/self/limits")?.first { $0.hasPrefix("Max address space") }
    guard let number = line?.split(separator: " ").dropFirst(3).first, let total = Int(number),
      let size = SystemFile.fields("/proc/self/status")?["VmSize"]
    else { return nil }
    return Bound(name: "this process may address", total: total, left: total - size << 10)
  }

  /// What the control groups of the process leave, its own and those around it: a container's limit is one.
  private static func controlGroups() -> [Bound] {
    guard let line = SystemFile.lines("/proc/self/cgroup")?.first(where: { $0.hasPrefix("0::") })
    else { return [] }
    var parts = line.dropFirst(3).split(separator: "/")
    var bounds: [Bound] = []
    while true {
      let folder = (["/sys/fs/cgroup"] + parts.map(String.init)).joined(separator: "/")
      if let total = SystemFile.number("\(folder)/memory.max"),
        let used = SystemFile.number("\(folder)/memory.current")
      {
        // Cached files are given up before anything is refused.
        let cached = SystemFile.fields("\(folder)/memory.stat")?["inactive_file"] ?? 0
        bounds.append(
          Bound(name: "its control group may use", total: total, left: total - used + cached))
      }
      if parts.isEmpty { return bounds }
      parts.removeLast()
    }
  }
}

/// Small files in which the system tells about itself.
private enum SystemFile {
  static func lines(_ path: String) -> [Substring]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 14) { buffer, count in
      count = fread(buffer.baseAddress, 1, buffer.count, file)
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }

  /// The number of a file that holds one; nil for `max`.
  static func number(_ path: String) -> Int? { lines(path)?.first.flatMap { Int($0) } }

  /// The numbers by their names, a line each: `MemFree:  123 kB` or `file 123`.
  static func fields(_ path: String) -> [String: Int]? {
    lines(path).map { lines in
      var fields: [String: Int] = [:]
      for line in lines {
        let words = line.split { $0 == ":" || $0 == " " || $0 == "\t" }
        if words.count >= 2, let number = Int(words[1]) { fields[String(words[0])] = number }
      }
      return fields
    }
  }
}
