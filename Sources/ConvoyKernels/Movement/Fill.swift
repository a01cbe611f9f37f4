package import ConvoyTensors

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
