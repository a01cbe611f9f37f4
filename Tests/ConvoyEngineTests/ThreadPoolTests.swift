import ConvoyTensors
import Synchronization
import Testing

@testable import ConvoyEngine

@Suite struct ThreadPoolTests {
  /// Every chunk is run once, by a thread with a number below the pool's.
  @Test(arguments: [0, 1, 2, 3, 100, 10_000], [1, 2, 5])
  func everyChunkRunsOnce(count: Int, threads: Int) {
    let pool = ThreadPool(threadCount: threads)
    for _ in 0..<20 {
      let runs = Mutex(Array(repeating: 0, count: count))
      pool.run(chunks: count) { chunk, worker in
        runs.withLock { $0[chunk] += worker < threads ? 1 : 1000 }
      }
      #expect(runs.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  /// More chunks than can be handed out one by one, for instance the planes of 17 million images.
  @Test(arguments: [(1 << 24) - 1, 1 << 24, (1 << 25) + 12_345])
  func numbersOfChunksHaveNoBound(count: Int) {
    let pool = ThreadPool(threadCount: 3)
    // For each thread, the number of its chunks and their sum.
    let counts = UnsafeMutableBufferPointer<Int>.allocate(capacity: 6)
    counts.initialize(repeating: 0)
    defer { counts.deallocate() }
    pool.run(chunks: count) { chunk, worker in
      counts[2 * worker] += 1
      counts[2 * worker + 1] += chunk
    }
    #expect(counts[0] + counts[2] + counts[4] == count)
    #expect(counts[1] + counts[3] + counts[5] == count * (count - 1) / 2)
  }

  /// What the closure holds is released when the run returns, though other threads have called it.
  @Test func closuresEndWithTheRun() {
    final class Counter: Sendable {
      let value = Atomic<Int>(0)
    }
    final class Held: Sendable {
      let calls = Atomic<Int>(0)
      private let ended: Counter

      init(_ ended: Counter) { self.ended = ended }

      deinit { ended.value.add(1, ordering: .relaxed) }
    }
    let pool = ThreadPool(threadCount: 4)
    let ended = Counter()
    for turn in 1...2000 {
      do {
        let held = Held(ended)
        pool.run(chunks: 8) { _, _ in held.calls.add(1, ordering: .relaxed) }
        #expect(held.calls.load(ordering: .relaxed) == 8)
      }
      #expect(ended.value.load(ordering: .relaxed) == turn)
    }
  }
}
