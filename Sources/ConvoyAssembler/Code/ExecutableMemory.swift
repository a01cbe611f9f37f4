#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Memory with machine code that can be called during the lifetime of this object.
///
/// The memory is written first, and made executable afterwards: it is never writable and executable
/// at once. In between, the instruction cache is flushed. Each function begins at a multiple of 64
/// bytes.
public final class ExecutableMemory: Sendable {
  /// The size in bytes, a multiple of the page size.
  public let size: Int
  private let base: UInt
  private let offsets: [Int]

  /// Maps memory and places the functions in it, in their order.
  ///
  /// With `CONVOY_PERF_MAP=1` in the environment, their addresses are recorded for profilers.
  ///
  /// - Throws: `ExecutableMemoryError` where the system refuses memory or its execution.
  public init(_ functions: [MachineCode]) throws(ExecutableMemoryError) {
    var offsets: [Int] = []
    var end = 0
    for function in functions {
      let begin = (end + 63) & ~63
      offsets.append(begin)
      end = begin + function.bytes.count
    }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let size = max(1, (end + page - 1) / page) * page
    let pages = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0)
    guard let pages, pages != MAP_FAILED else {
      throw ExecutableMemoryError("The system refused \(size) bytes for code", errno)
    }
    for (function, offset) in zip(functions, offsets) {
      (pages + offset).copyMemory(from: function.bytes, byteCount: function.bytes.count)
    }
    guard InstructionCache.flush(pages, byteCount: size) else {
      munmap(pages, size)
      throw ExecutableMemoryError(
        "The system cannot make new code visible to the processor", ENOSYS)
    }
    guard mprotect(pages, size, PROT_READ | PROT_EXEC) == 0 else {
      let reason = errno
      munmap(pages, size)
      throw ExecutableMemoryError("The system refused to make \(size) bytes executable", reason)
    }
    self.size = size
    self.base = UInt(bitPattern: pages)
    self.offsets = offsets
    PerfMap.requested?.append(functions, at: offsets.map { base + UInt($0) })
  }

  deinit {
    munmap(UnsafeMutableRawPointer(bitPattern: base), size)
  }

  /// The address of a function, by its index among the functions in the memory.
  public func address(of function: Int = 0) -> UnsafeRawPointer {
    UnsafeRawPointer(bitPattern: base + UInt(offsets[function]))!
  }

  /// A function, by its index among the functions in the memory.
  ///
  /// It must not be called after the lifetime of this object, which `withExtendedLifetime` extends.
  ///
  /// - Parameter type: A type of `@convention(c)` functions, with the arguments that the code
  ///   expects.
  public func function<F>(_ function: Int = 0, as type: F.Type) -> F {
    precondition(
      MemoryLayout<F>.size == MemoryLayout<UnsafeRawPointer>.size,
      "code is called through a function of @convention(c), not \(type)")
    return unsafeBitCast(address(of: function), to: type)
  }
}

/// The system refused memory for code, or its execution.
public struct ExecutableMemoryError: Error, Hashable, CustomStringConvertible {
  /// What was refused and why, in a sentence.
  public let description: String

  init(_ refusal: String, _ code: Int32) {
    description = "\(refusal): \(String(cString: strerror(code)))."
  }
}
