package import ConvoyTensors

/// Copies a box of elements between two row-major tensors, each with its own strides: transposes,
/// slices, pads, repeats and concatenates.
package struct StridedCopy: Kernel {
  /// See `Kernel.name`.
  package let name = "copy"
  private let source: Region
  private let target: Region
  private let elementSize: Int
  private let walk: StridedWalk
  private let chunks: Chunks

  /// - Parameters:
  ///   - extents: the extents of the box.
  ///   - type: the elements' type, of which only the size matters.
  ///   - source: the region of the first element that is read.
  ///   - sourceStrides: elements between neighbours that are read; 0 repeats an element.
  ///   - target: the region of the first element that is written.
  ///   - targetStrides: elements between neighbours that are written.
  package init(
    _ extents: [Int], of type: ElementType = .float32, from source: Region,
    strides sourceStrides: [Int], to target: Region, strides targetStrides: [Int]
  ) {
    elementSize = type.size
    self.source = source
    self.target = target
    walk = StridedWalk(extents, [sourceStrides, targetStrides])
    chunks = Chunks(items: walk.rows, cost: walk.columns)
  }

  /// Copies contiguous elements.
  package init(
    contiguous count: Int, of type: ElementType = .float32, from source: Region, to target: Region
  ) {
    let width = 1024
    if count % width == 0 {
      self.init(
        [count / width, width], of: type, from: source, strides: [width, 1], to: target,
        strides: [width, 1])
    } else {
      self.init([count], of: type, from: source, strides: [1], to: target, strides: [1])
    }
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// See `Kernel.detail`.
  package var detail: String {
    let isContiguous = walk.columnSteps.allSatisfy { $0 == 1 }
    return "\(walk.rows) rows of \(walk.columns) \(isContiguous ? "neighbours" : "numbers apart")"
  }

  /// Copies some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch elementSize {
    case 1: copy(chunk, memory, as: UInt8.self)
    case 2: copy(chunk, memory, as: UInt16.self)
    case 4: copy(chunk, memory, as: UInt32.self)
    default: copy(chunk, memory, as: UInt64.self)
    }
  }

  private func copy<Bits: BitwiseCopyable>(_ chunk: Int, _ memory: Memory, as type: Bits.Type) {
    for row in chunks[chunk] {
      let offsets = walk.offsets(ofRow: row)
      let from = memory[source, as: type] + offsets[0]
      let to = memory[target, as: type] + offsets[1]
      let (fromStep, toStep) = (walk.columnSteps[0], walk.columnSteps[1])
      if fromStep == 1, toStep == 1 {
        to.update(from: from, count: walk.columns)
      } else {
        for column in 0..<walk.columns { to[column * toStep] = from[column * fromStep] }
      }
    }
  }
}

/// The iteration over a box of elements of several operands at once, each with its own strides:
/// numbered rows of the last dimension.
struct StridedWalk: Sendable {
  let rows: Int
  let columns: Int
  /// For each operand, elements between neighbouring columns.
  let columnSteps: [Int]
  private let extents: [Int]
  private let strides: [[Int]]

  init(_ extents: [Int], _ strides: [[Int]]) {
    // Adjacent dimensions whose strides are compatible in every operand are merged: longer rows,
    // fewer of them.
    var merged: [(extent: Int, strides: [Int])] = []
    for dimension in extents.indices where extents[dimension] != 1 {
      let steps = strides.map { $0[dimension] }
      if let last = merged.last,
        zip(last.strides, steps).allSatisfy({ $0 == $1 * extents[dimension] })
      {
        merged[merged.count - 1] = (last.extent * extents[dimension], steps)
      } else {
        merged.append((extents[dimension], steps))
      }
    }
    let last = merged.popLast() ?? (1, strides.map { _ in 0 })
    columns = last.extent
    columnSteps = last.strides
    self.extents = merged.map(\.extent)
    self.strides = strides.indices.map { operand in merged.map { $0.strides[operand] } }
    rows = self.extents.reduce(1, *)
  }

  /// For each operand, elements from its first element to a row's first.
  func offsets(ofRow row: Int) -> [Int] {
    var rest = row
    var offsets = Array(repeating: 0, count: strides.count)
    for dimension in extents.indices.reversed() {
      let (quotient, position) = rest.quotientAndRemainder(dividingBy: extents[dimension])
      rest = quotient
      for operand in strides.indices { offsets[operand] += position * strides[operand][dimension] }
    }
    return offsets
  }

  /// Elements from an operand's first element to a row's first.
  func offset(ofRow row: Int, operand: Int) -> Int {
    var (rest, offset) = (row, 0)
    for dimension in extents.indices.reversed() {
      let (quotient, position) = rest.quotientAndRemainder(dividingBy: extents[dimension])
      rest = quotient
      offset += position * strides[operand][dimension]
    }
    return offset
  }
}

/// Sets contiguous elements to one value.
package struct Fill: Kernel {
  /// See `Kernel.name`.
  package let name = "fill"
  private let target: Region
  /// The value, of the elements' type.
  private let value: Tensor
  private let chunks: Chunks

  /// - Parameters:
  ///   - count: the number of elements.
  ///   - value: the elements' value, converted to their type.
  package init(_ target: Region, count: Int, of type: ElementType = .float32, with value: Float) {
    self.target = target
    self.value = Tensor([], repeating: value).converted(to: type)
    chunks = Chunks(items: count, cost: 1)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Fills some elements.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch value.type.size {
    case 1: fill(chunk, memory, as: UInt8.self)
    case 2: fill(chunk, memory, as: UInt16.self)
    case 4: fill(chunk, memory, as: UInt32.self)
    default: fill(chunk, memory, as: UInt64.self)
    }
  }

  private func fill<Bits: BitwiseCopyable>(_ chunk: Int, _ memory: Memory, as type: Bits.Type) {
    let part = chunks[chunk]
    let bits = value.withUnsafeBytes { $0.load(as: type) }
    (memory[target, as: type] + part.lowerBound).update(repeating: bits, count: part.count)
  }
}

/// Copies one number for each channel into the channels' lanes, and zeros into the other lanes:
/// biases.
package struct LaneCopy: Kernel {
  /// See `Kernel.name`.
  package let name = "pack bias"
  private let channels: [Int?]
  private let source: Region
  private let target: Region

  /// - Parameter order: the order of the channels.
  package init(_ order: ChannelOrder, from source: Region, to target: Region) {
    channels = order.channelsByLane
    self.source = source
    self.target = target
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Copies all numbers.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let numbers = memory[source]
    let lanes = memory[target]
    for (lane, channel) in channels.enumerated() { lanes[lane] = channel.map { numbers[$0] } ?? 0 }
  }
}
