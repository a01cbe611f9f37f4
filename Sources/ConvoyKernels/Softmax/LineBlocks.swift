import ConvoyTensors

/// The lines of a row-major tensor along one dimension, in blocks that are worked on at once.
///
/// Where lines lie side by side, a block is up to 16 of them, one to a lane, and a vector holds one
/// element of each. Where a line's own elements are neighbours, a block is one line, and a vector
/// holds 16 of its elements; sums and maxima then end with one across the lanes.
struct LineBlocks: Sendable {
  /// Elements of a line.
  let length: Int
  /// All lines.
  let lineCount: Int
  /// All blocks.
  let count: Int
  /// Whether a block is a single line.
  let isSingle: Bool
  /// Vectors of a block.
  let vectorCount: Int

  /// Lines side by side.
  private let inner: Int
  private let blocksPerOuter: Int

  init(_ shape: Shape, along dimension: Int) {
    length = shape[dimension]
    inner = shape.strides[dimension]
    lineCount = shape.elementCount / length
    isSingle = inner == 1
    blocksPerOuter = (inner + 15) / 16
    count = lineCount / inner * blocksPerOuter
    vectorCount = isSingle ? (length + 15) / 16 : length
  }

  /// Even chunks of blocks.
  var chunks: Chunks { Chunks(items: count, cost: vectorCount * 256) }

  /// A block of lines.
  subscript(index: Int) -> LineBlock {
    let (outer, block) = index.quotientAndRemainder(dividingBy: blocksPerOuter)
    let first = block * 16
    return LineBlock(
      start: outer * length * inner + first,
      lines: outer * inner + first..<outer * inner
        + min(first + 16, inner), vectorCount: vectorCount, step: isSingle ? 16 : inner,
      elementStep: inner, length: length, isSingle: isSingle)
  }
}

/// One line along its vectors, or up to 16 lines side by side.
struct LineBlock {
  /// Elements from the tensor's first to the block's first.
  let start: Int
  /// Which lines of the tensor, in row-major order of the other dimensions.
  let lines: Range<Int>
  /// How many vectors.
  let vectorCount: Int
  /// Elements from a vector to the next.
  let step: Int
  /// Elements from a line's element to its next.
  let elementStep: Int
  /// Elements of a line.
  let length: Int
  /// Whether the lanes hold elements of one line.
  let isSingle: Bool

  /// How many lanes of a vector are the block's.
  @inline(__always)
  private func lanes(of vector: Int) -> Int {
    isSingle ? min(16, length - vector * 16) : lines.count
  }

  /// A vector of a tensor, with another number in the lanes that are not the block's.
  @inline(__always)
  func load(_ tensor: UnsafePointer<Float>, _ vector: Int, else other: Float = 0) -> Lanes {
    (tensor + start + vector * step).lanes(first: lanes(of: vector), else: other)
  }

  /// Writes the lanes of a vector that are the block's.
  @inline(__always)
  func store(_ numbers: Lanes, to tensor: UnsafeMutablePointer<Float>, _ vector: Int) {
    (tensor + start + vector * step).store(numbers, first: lanes(of: vector))
  }

  /// For each lane, the sum of its line.
  @inline(__always)
  func total(_ lanes: Lanes) -> Lanes { isSingle ? Lanes(repeating: lanes.sum()) : lanes }

  /// For each lane, the largest of its line.
  @inline(__always)
  func largest(_ tensor: UnsafePointer<Float>) -> Lanes {
    var largest = Lanes(repeating: -.infinity)
    for vector in 0..<vectorCount {
      let x = load(tensor, vector, else: -.infinity)
      largest.replace(with: x, where: x .> largest)
    }
    return isSingle ? Lanes(repeating: largest.max()) : largest
  }

  /// For each lane, the sum of its line's exponentials, each after a number has been taken off.
  @inline(__always)
  func exponentialSum(_ tensor: UnsafePointer<Float>, minus offset: Lanes) -> Lanes {
    var sum = Lanes.zero
    for vector in 0..<vectorCount {
      sum += LaneMath.exp(load(tensor, vector, else: -.infinity) - offset)
    }
    return total(sum)
  }
}
