import ConvoyTensors
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Threads that run chunks of work together with the calling thread.
///
/// Starting a job costs well under a microsecond while the threads are awake: after each job they
/// poll for the next for some tens of microseconds before they sleep. One caller uses the threads
/// at a time. A second caller does not wait for the first, but runs its own chunks alone. A caller
/// never waits for a sleeping thread to wake: it runs all chunks that no other thread has begun.
public final class ThreadPool: Sendable {
  /// One thread for each processor; created at first use.
  public static let shared = ThreadPool(threadCount: processorCount)

  /// The number of threads that work, including the calling one.
  public let threadCount: Int

  /// The number of processors of this machine that are online.
  public static var processorCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  private let desk: Desk

  /// Starts threads that end with the pool.
  ///
  /// - Parameter threadCount: the number of threads that work together, including the calling one.
  public init(threadCount: Int) {
    self.threadCount = max(1, threadCount)
    desk = Desk()
    for worker in 0..<self.threadCount - 1 {
      // If a thread cannot be started, the pool still works: its callers run all chunks themselves.
      startThread { [desk] in desk.serve(worker: worker + 1) }
    }
  }

  deinit { desk.close() }

  /// Runs every chunk once, on all threads, and returns when all are done.
  ///
  /// - Parameters:
  ///   - count: the number of chunks.
  ///   - body: gets the index of a chunk, and a number below `threadCount` that no two threads
  ///     share.
  public func run(chunks count: Int, _ body: (_ chunk: Int, _ worker: Int) -> Void) {
    if count <= 1 || threadCount == 1 || !desk.take() {
      for chunk in 0..<count { body(chunk, 0) }
      return
    }
    defer { desk.release() }
    guard count > Desk.mostChunks else {
      withoutActuallyEscaping(body) { desk.hand(out: $0, count: count) }
      return
    }
    // More chunks than a ticket has numbers for are handed out several at a time.
    let size = (count + Desk.mostChunks - 1) / Desk.mostChunks
    let several = { (part: Int, worker: Int) in
      for chunk in part * size..<min(count, (part + 1) * size) { body(chunk, worker) }
    }
    withoutActuallyEscaping(several) {
      desk.hand(out: $0, count: (count + size - 1) / size)
    }
  }
}

/// The state that the threads of a pool share to distribute the chunks of a job.
///
/// `ticket` identifies the job and bounds the chunks that no thread has begun. A thread that moves
/// a bound has taken a chunk, and the job cannot end before that chunk is done.
///
/// Even and odd threads take chunks from opposite ends. Kernels number their chunks in the order of
/// the addresses that they access, so that a thread reads what it has written in the step before,
/// from its own cache.
///
/// `@unchecked Sendable`: `work` is written only by the thread that holds `isTaken`, and only while
/// no chunk is outstanding; it is read only by threads that have taken a chunk. All else is atomic.
private final class Desk: @unchecked Sendable {
  private let isTaken = Atomic<Bool>(false)
  private let isClosed = Atomic<Bool>(false)
  private let ticket = Atomic(Ticket(job: 0, count: 0).bits)
  private let doneChunks = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let gate = Gate()
  private var work: (Int, Int) -> Void = { _, _ in }

  /// The number of polls for work before a thread sleeps: some tens of microseconds.
  private static let looks = 1 << 15

  /// The number of polls for the last chunks before the caller yields its processor: some
  /// microseconds.
  private static let looksBeforeYielding = 1 << 12

  /// The largest number of chunks of a job.
  static let mostChunks = Int(Ticket.mask)

  /// A job, and its chunks from `first` up to `end`, in 16, 24 and 24 bits.
  private struct Ticket {
    private(set) var bits: UInt64
    static let mask: UInt64 = 0xFF_FFFF

    init(bits: UInt64) { self.bits = bits }

    init(job: UInt64, count: Int) { bits = job << 48 | UInt64(count) << 24 }

    var job: UInt64 { bits >> 48 }
    private var first: Int { Int(bits & Ticket.mask) }
    private var end: Int { Int(bits >> 24 & Ticket.mask) }
    var hasChunks: Bool { first < end }

    /// Takes the chunk at the end that the thread takes chunks from.
    mutating func take(worker: Int) -> Int {
      if worker % 2 == 0 {
        bits -= 1 << 24
        return end
      }
      bits += 1
      return first - 1
    }
  }

  func take() -> Bool { !isTaken.exchange(true, ordering: .acquiring) }
  func release() { isTaken.store(false, ordering: .releasing) }

  func close() {
    isClosed.store(true, ordering: .sequentiallyConsistent)
    gate.open()
  }

  func hand(out body: @escaping (Int, Int) -> Void, count: Int) {
    work = body
    doneChunks.store(0, ordering: .relaxed)
    let last = Ticket(bits: ticket.load(ordering: .relaxed))
    ticket.store(
      Ticket(job: last.job &+ 1, count: count).bits, ordering: .sequentiallyConsistent)
    if sleepers.load(ordering: .sequentiallyConsistent) > 0 { gate.open() }
    while serveChunk(worker: 0) {}
    var looks = 0
    while doneChunks.load(ordering: .acquiring) < count {
      if looks < Desk.looksBeforeYielding {
        looks += 1
      } else {
        // A thread that has a chunk may be waiting for this thread's processor.
        sched_yield()
      }
    }
    work = { _, _ in }
  }

  /// Runs a chunk that this thread has taken.
  ///
  /// Never inlined: when it returns, the thread holds no reference to the closure, which the job's
  /// end may destroy.
  @inline(never)
  private func runWork(_ chunk: Int, _ worker: Int) { work(chunk, worker) }

  /// Takes a chunk and runs it, if one is left.
  private func serveChunk(worker: Int) -> Bool {
    var current = Ticket(bits: ticket.load(ordering: .acquiring))
    while current.hasChunks {
      var next = current
      let chunk = next.take(worker: worker)
      let (taken, actual) = ticket.weakCompareExchange(
        expected: current.bits, desired: next.bits, ordering: .acquiringAndReleasing)
      if taken {
        runWork(chunk, worker)
        doneChunks.add(1, ordering: .releasing)
        return true
      }
      current = Ticket(bits: actual)
    }
    return false
  }

  /// The loop of a thread of the pool, until the pool ends.
  func serve(worker: Int) {
    var looks = 0
    while !isClosed.load(ordering: .relaxed) {
      if serveChunk(worker: worker) {
        looks = 0
      } else if looks < Desk.looks {
        looks += 1
      } else {
        sleepers.add(1, ordering: .sequentiallyConsistent)
        gate.wait {
          Ticket(bits: ticket.load(ordering: .sequentiallyConsistent)).hasChunks
            || isClosed.load(ordering: .sequentiallyConsistent)
        }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        looks = 0
      }
    }
  }
}
