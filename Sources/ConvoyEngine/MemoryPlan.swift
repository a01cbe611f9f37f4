import ConvoyTensors

/// Plans the arena: places its buffers so that those that are live at the same time do not overlap.
///
/// Buffers are placed from the largest to the smallest, each at the lowest offset that is free
/// during its lifetime. Source: Y. Pisarchyk and J. Lee, "Efficient Memory Management for Deep
/// Neural Net Inference", 2020 (greedy by size).
enum MemoryPlan {
  struct Item {
    var byteCount: Int
    /// The steps during which it is live.
    var life: ClosedRange<Int>
  }

  /// - Returns: the offset of each item, and the size of the arena.
  /// - Complexity: O(*n*²) in the number of items.
  static func place(_ items: [Item]) -> (offsets: [Int], byteCount: Int) {
    var offsets = Array(repeating: 0, count: items.count)
    var placed: [(range: Range<Int>, life: ClosedRange<Int>)] = []
    let bySize = items.indices.sorted {
      (items[$0].byteCount, $1) > (items[$1].byteCount, $0)
    }
    for index in bySize {
      let item = items[index]
      let size = Program.aligned(item.byteCount)
      var offset = 0
      // `placed` is sorted by the ranges' lower bounds.
      for other in placed where other.life.overlaps(item.life) {
        if other.range.lowerBound >= offset + size { break }
        offset = max(offset, other.range.upperBound)
      }
      offsets[index] = offset
      let at = placed.firstIndex { $0.range.lowerBound > offset } ?? placed.endIndex
      placed.insert((offset..<offset + size, item.life), at: at)
    }
    return (offsets, placed.map(\.range.upperBound).max() ?? 0)
  }
}
