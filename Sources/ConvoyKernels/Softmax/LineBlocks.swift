import ConvoyTensors

/// The lines of a row-major tensor along one dimension, in blocks that are processed at once.
///
/// If the elements of a line are not contiguous, neighbouring lines are: a block is up to 16 lines,
/// one for each lane, and a vector holds one element of each. If they are, a block is one line, and
/// a vector holds 16 of its elements; sums and maxima then end with a reduction across lanes.
struct LineBlocks: Sendable {
  /// The elements of a line.
  let length: Int
  /// The number of lines.
  let lineCount: Int
  /// The number of blocks.
  let count: Int
  /// Whether a block is a single line.
  let isSingle: Bool
  /// The vectors of a block.
  let vectorCount: Int

  /// The number of contiguous lines.
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

/// One line, or up to 16 neighbouring lines.
struct LineBlock {
  /// Elements from the tensor's first to the block's first.
  let start: Int
  /// The lines' indices in the tensor, in row-major order of the other dimensions.
  let lines: Range<Int>
  /// The number of vectors.
  let vectorCount: Int
  /// Elements from a vector to the next.
  let step: Int
  /// Elements from an element of a line to the next.
  let elementStep: Int
  /// The elements of a line.
  let length: Int
  /// Whether the lanes hold elements of one line.
  let isSingle: Bool

  /// The number of lanes of a vector that belong to the block.
  @inline(__always)
  private func lanes(of vector: Int) -> Int {
    isSingle ? min(16, length - vector * 16) : lines.count
  }

  /// A vector of a tensor, with another number in the lanes that do not belong to the block.
  @inline(__always)
  func load(_ tensor: UnsafePointer<Float>, _ vector: Int, else other: Float = 0) -> Lanes {
    (tensor + start + vector * step).lanes(first: lanes(of: vector), else: other)
  }

  /// Stores the lanes of a vector that belong to the block.
  @inline(__always)
  func store(_ numbers: Lanes, to tensor: UnsafeMutablePointer<Float>, _ vector: Int) {
    (tensor + start + vector * step).store(numbers, first: lanes(of: vector))
  }

  /// For each lane, the sum of its line.
  @inline(__always)
  func total(_ lanes: Lanes) -> Lanes { isSingle ? Lanes(repeating: lanes.sum()) : lanes }

  /// For each lane, the largest element of its line.
  @inline(__always)
  func largest(_ tensor: UnsafePointer<Float>) -> Lanes {
    var largest = Lanes(repeating: -.infinity)
    for vector in 0..<vectorCount {
      let x = load(tensor, vector, else: -.infinity)
      largest.replace(with: x, where: x .> largest)
    }
    return isSingle ? Lanes(repeating: largest.max()) : largest
  }

  /// For each lane, the sum of the exponentials of its line's elements minus a number.
  @inline(__always)
  func exponentialSum(_ tensor: UnsafePointer<Float>, minus offset: Lanes) -> Lanes {
    var sum = Lanes.zero
    for vector in 0..<vectorCount {
      sum += LaneMath.exp(load(tensor, vector, else: -.infinity) - offset)
    }
    return total(sum)
  }
}
