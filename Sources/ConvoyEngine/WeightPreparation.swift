import ConvoyKernels
import ConvoyTensors

/// Packs parameters into a plan's block of constants.
///
/// A parameter that is not in memory yet is read in parts that stay in the cache until they are
/// packed: compiling then needs only the memory of the packed weights.
struct WeightPreparation {
  private let pool: ThreadPool
  private let constants: MemoryBlock
  /// The block that parts are read into.
  private var block: MemoryBlock?

  init(pool: ThreadPool, constants: MemoryBlock) {
    self.pool = pool
    self.constants = constants
  }

  /// Floats that are read at once, unless a chunk needs more: half of a small second-level cache.
  private static let partCount = 1 << 16

  /// Runs a kernel that reads one parameter, which is at the beginning of its block.
  ///
  /// - Throws: `ConvoyError` when the parameter cannot be read.
  mutating func run(_ kernel: any Kernel, reading tensor: Tensor) throws(ConvoyError) {
    guard tensor.isElsewhere else {
      return tensor.withUnsafeBytes { bytes in
        guard let address = bytes.baseAddress else { return }
        run(kernel, state: UnsafeMutableRawPointer(mutating: address))
      }
    }
    let parts = parts(of: kernel, reading: tensor)
    let block = try room(for: parts.reduce(0) { max($0, $1.elements.count) })
    for part in parts where !part.elements.isEmpty {
      try tensor.copyElements(
        part.elements,
        to: UnsafeMutableRawBufferPointer(start: block.address, count: block.byteCount)
          .bindMemory(to: Float.self))
      run(
        SomeChunks(of: kernel, part.chunks),
        state: block.address - part.elements.lowerBound * tensor.type.size)
    }
  }

  /// Runs a kernel that reads parameters from a block.
  func run(_ kernel: any Kernel, state: UnsafeMutableRawPointer) {
    pool.runAll(kernel, Memory(arena: state, state: state, constants: constants.address))
  }

  private mutating func room(for count: Int) throws(ConvoyError) -> MemoryBlock {
    let byteCount = count * MemoryLayout<Float>.size
    if let block, block.byteCount >= byteCount { return block }
    // The old block is released before the new one is allocated.
    block = nil
    let new = try MemoryBlock(byteCount: byteCount, for: "Weights that are being packed")
    block = new
    return new
  }

  /// Consecutive chunks, and the elements that they read.
  private struct Part {
    var chunks: Range<Int>
    var elements: Range<Int>
  }

  private func parts(of kernel: any Kernel, reading tensor: Tensor) -> [Part] {
    let whole = 0..<tensor.shape.elementCount
    var parts: [Part] = []
    for chunk in 0..<kernel.chunkCount {
      guard let read = kernel.elementsRead(chunk: chunk) else {
        return [Part(chunks: 0..<kernel.chunkCount, elements: whole)]
      }
      if let last = parts.last, !read.isEmpty {
        let lower = min(last.elements.lowerBound, read.lowerBound)
        let both = lower..<max(last.elements.upperBound, read.upperBound)
        if last.elements.isEmpty || both.count <= WeightPreparation.partCount {
          parts[parts.count - 1] = Part(
            chunks: last.chunks.lowerBound..<chunk + 1,
            elements: last.elements.isEmpty ? read : both)
          continue
        }
      }
      parts.append(Part(chunks: chunk..<chunk + 1, elements: read))
    }
    // Chunks whose elements are scattered would read the same elements repeatedly.
    let readCount = parts.reduce(0) { $0 + $1.elements.count }
    if readCount > 2 * whole.count {
      return [Part(chunks: 0..<kernel.chunkCount, elements: whole)]
    }
    return parts
  }
}

/// Some of a kernel's chunks.
private struct SomeChunks: Kernel {
  private let kernel: any Kernel
  private let chunks: Range<Int>

  init(of kernel: any Kernel, _ chunks: Range<Int>) {
    self.kernel = kernel
    self.chunks = chunks
  }

  var name: String { kernel.name }
  var chunkCount: Int { chunks.count }
  var scratchCount: Int { kernel.scratchCount }

  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    kernel.run(chunk: chunks.lowerBound + chunk, in: memory, scratch: scratch)
  }
}
