import ConvoyTensors

/// Measures the bandwidth between the processor and the memory after its second-level cache: the
/// slope of a roofline.
///
/// Each thread copies a block to another; both together are eight times as large as the
/// second-level cache. This is the least that a layer does whose input and output have left that
/// cache. On most processors such blocks are in the third-level cache; main memory is slower.
package enum BandwidthMeasurement {
  /// The size of the two blocks of a thread, in multiples of the second-level cache.
  package static let cacheMultiple = 8

  /// The bytes that a thread copies: a multiple of 64.
  package static var blockBytes: Int {
    let cache = min(max(Machine.current.secondLevelCache, 1 << 18), 1 << 24)
    return cache * cacheMultiple / 2 & ~63
  }

  /// GB/s read and written, the best of several measurements.
  ///
  /// - Parameters:
  ///   - parts: the number of threads, each of which copies its own blocks.
  ///   - run: calls its argument once for each part, on that many threads, and returns when all are
  ///     done.
  package static func gigabytesPerSecond(
    parts: Int = 1,
    run: (_ parts: Int, _ copy: (Int) -> Void) -> Void = { parts, copy in
      for part in 0..<parts { copy(part) }
    }
  ) -> Double {
    let count = blockBytes / MemoryLayout<Float>.size
    let size = parts * 2 * blockBytes
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
      .bindMemory(to: Float.self, capacity: parts * 2 * count)
    defer { memory.deallocate() }
    memory.initialize(repeating: 1, count: parts * 2 * count)
    let clock = ContinuousClock()
    var seconds = Double.infinity
    // Some tens of milliseconds.
    let repetitions = max(1, (64 << 20) / blockBytes)
    for _ in 0..<8 {
      let start = clock.now
      run(parts) { part in
        let source = memory + 2 * part * count
        for _ in 0..<repetitions { (source + count).update(from: source, count: count) }
      }
      seconds = min(seconds, (clock.now - start) / .seconds(1))
    }
    return Double(size * repetitions) / seconds * 1e-9
  }
}
