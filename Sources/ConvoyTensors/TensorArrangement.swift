/// An argument of a tensor's subscript for one dimension: an index, a range, or `...` for the whole
/// dimension.
public protocol TensorPart: Sendable {
  /// The positions within an extent.
  func positions(within extent: Int) -> Range<Int>
}

extension Int: TensorPart {
  /// Only the position.
  public func positions(within extent: Int) -> Range<Int> { self..<self + 1 }
}

extension Range<Int>: TensorPart {
  /// The range.
  public func positions(within extent: Int) -> Range<Int> { self }
}

extension ClosedRange<Int>: TensorPart {
  /// The range.
  public func positions(within extent: Int) -> Range<Int> { Range(self) }
}

extension PartialRangeFrom<Int>: TensorPart {
  /// The positions from one to the end.
  public func positions(within extent: Int) -> Range<Int> { lowerBound..<extent }
}

extension PartialRangeUpTo<Int>: TensorPart {
  /// The positions from the beginning up to, but not including, one.
  public func positions(within extent: Int) -> Range<Int> { 0..<upperBound }
}

extension PartialRangeThrough<Int>: TensorPart {
  /// The positions from the beginning up to and including one.
  public func positions(within extent: Int) -> Range<Int> { 0..<upperBound + 1 }
}

extension Tensor {
  /// The same elements in the same order with another shape.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the number of elements differs.
  /// - Complexity: O(1)
  public func reshaped(to shape: Shape) throws(ConvoyError) -> Tensor {
    guard shape.elementCount == self.shape.elementCount else {
      throw ConvoyError(
        .shape,
        "A tensor of shape \(shape) has \(shape.elementCount) elements, "
          + "got \(self.shape.elementCount).")
    }
    return Tensor(shape, storage: storage)
  }

  /// A permutation of the dimensions: dimension d of the result is dimension `permutation[d]`. By
  /// default the order is reversed, which transposes a matrix.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` unless the permutation has each dimension once.
  /// - Complexity: O(*n*)
  public func transposed(_ permutation: [Int]? = nil) throws(ConvoyError) -> Tensor {
    let permutation = permutation ?? Array((0..<shape.rank).reversed())
    guard permutation.sorted() == Array(0..<shape.rank) else {
      throw ConvoyError(
        .argument, "Expected each dimension of \(shape) once, counted from 0, got \(permutation).")
    }
    let strides = shape.strides
    return gathered(
      Shape(permutation.map { shape[$0] }), from: 0, strides: permutation.map { strides[$0] })
  }

  /// A part of the tensor: `images[0..<4, 2, 1...]`.
  ///
  /// A range keeps its dimension; an index removes it. Dimensions without a part are taken whole.
  /// (If every dimension has an index, the result is that one element, a `Float`, unless the
  /// context requires a tensor.)
  ///
  /// - Precondition: at most as many parts as dimensions, each within its extent and not empty.
  /// - Complexity: O(*n*) in the size of the part.
  public subscript(parts: any TensorPart...) -> Tensor {
    precondition(
      parts.count <= shape.rank, "A tensor of shape \(shape) was given \(parts.count) ranges.")
    let strides = shape.strides
    var extents: [Int] = []
    var steps: [Int] = []
    var start = 0
    for dimension in 0..<shape.rank {
      let extent = shape[dimension]
      let part = parts.indices.contains(dimension) ? parts[dimension] : 0..<extent
      let positions = part.positions(within: extent)
      precondition(
        !positions.isEmpty && positions.lowerBound >= 0 && positions.upperBound <= extent,
        "The positions \(positions) lie outside dimension \(dimension) of \(shape).")
      start += positions.lowerBound * strides[dimension]
      if part is Int { continue }
      extents.append(positions.count)
      steps.append(strides[dimension])
    }
    return gathered(Shape(extents), from: start, strides: steps)
  }

  /// The tensor broadcast to a larger shape.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the shape does not broadcast to it.
  func broadcast(to shape: Shape) throws(ConvoyError) -> Tensor {
    if shape == self.shape { return self }
    guard try self.shape.broadcast(with: shape) == shape else {
      throw ConvoyError(.shape, "expected a shape that broadcasts to \(shape), got \(self.shape)")
    }
    let missing = Array(repeating: 0, count: shape.rank - self.shape.rank)
    let strides = zip(self.shape.dimensions, self.shape.strides).map { $0 == 1 ? 0 : $1 }
    return gathered(shape, from: 0, strides: missing + strides)
  }

  /// The elements at the positions of a shape, with a stride for each dimension.
  private func gathered(_ target: Shape, from start: Int, strides: [Int]) -> Tensor {
    var position = Array(repeating: 0, count: target.rank)
    var source = start
    var positions: [Int] = []
    positions.reserveCapacity(target.elementCount)
    for _ in 0..<target.elementCount {
      positions.append(source)
      var dimension = target.rank - 1
      while dimension >= 0 {
        position[dimension] += 1
        source += strides[dimension]
        if position[dimension] < target[dimension] { break }
        source -= strides[dimension] * target[dimension]
        position[dimension] = 0
        dimension -= 1
      }
    }
    return Tensor(target, storage: storage.stored.gathered(positions))
  }
}

extension Shape {
  /// The shape that both broadcast to: shapes are aligned at the right, and an extent of 1 or a
  /// missing one is repeated to the other's.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when extents differ and neither is 1.
  package func broadcast(with other: Shape) throws(ConvoyError) -> Shape {
    let rank = max(self.rank, other.rank)
    var extents: [Int] = []
    for d in 0..<rank {
      let a = d < rank - self.rank ? 1 : self[d - (rank - self.rank)]
      let b = d < rank - other.rank ? 1 : other[d - (rank - other.rank)]
      guard a == b || a == 1 || b == 1 else {
        throw ConvoyError(
          .shape,
          "expected shapes that are equal or 1 in every dimension, counted from the right, "
            + "got \(self) and \(other)")
      }
      extents.append(max(a, b))
    }
    return try Shape(validating: extents)
  }
}
