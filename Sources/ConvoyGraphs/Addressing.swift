import ConvoyTensors

/// How indices name elements of a tensor. A negative index counts from the end of its extent.
public enum Addressing: Hashable, Sendable, Codable {
  /// Each index is a position along a dimension, at which everything is named: rows of a table.
  case positions(dimension: Int)
  /// Each index is a position along a dimension, at which one element is named: that with the
  /// index's own position along all others.
  case elements(dimension: Int)
  /// The last dimension of the indices is a position along each of some dimensions of the tensor,
  /// which follow the first ones, at which everything is named. Along the first ones it is the
  /// indices' own position.
  case tuples(after: Int)

  /// The shape of what indices name.
  ///
  /// - Throws: `ConvoyError` when the indices do not fit the tensor.
  func namedShape(_ tensor: Shape, _ indices: Shape) throws(ConvoyError) -> Shape {
    switch self {
    case .positions(let dimension):
      try tensor.expectDimension(dimension)
      return try Shape(
        validating: tensor.dimensions[..<dimension] + indices.dimensions
          + tensor.dimensions[(dimension + 1)...])
    case .elements(let dimension):
      try tensor.expectDimension(dimension)
      guard indices.rank == tensor.rank,
        indices.dimensions.indices.allSatisfy({ $0 == dimension || indices[$0] <= tensor[$0] })
      else {
        throw ConvoyError(
          .shape,
          "expected indices of at most the shape \(tensor) but for dimension \(dimension), "
            + "got \(indices)")
      }
      return indices
    case .tuples(let first):
      guard let length = indices.dimensions.last, first >= 0, first < indices.rank,
        first + length <= tensor.rank,
        tensor.dimensions.prefix(first) == indices.dimensions.prefix(first)
      else {
        throw ConvoyError(
          .shape,
          "expected indices whose first \(first) extents are those of \(tensor) and whose last is "
            + "at most the number of the others, got \(indices)")
      }
      return try Shape(
        validating: indices.dimensions.dropLast() + tensor.dimensions.dropFirst(first + length))
    }
  }

  /// Where indices point to.
  ///
  /// - Precondition: the shapes fit one another.
  func runs(_ tensor: Shape, _ indices: Tensor) -> Runs {
    let numbers = indices.converted(to: .int64).known(as: Int64.self)
    let strides = tensor.strides
    switch self {
    case .positions(let dimension):
      let (extent, length) = (tensor[dimension], strides[dimension])
      let places = numbers.map { Self.place($0, of: extent, stride: length) }
      let outer = tensor.elementCount / (extent * length)
      var starts: [Int] = []
      starts.reserveCapacity(outer * places.count)
      for row in 0..<outer {
        let first = row * extent * length
        for place in places { starts.append(place < 0 ? place : first + place) }
      }
      return Runs(length: length, starts: starts)
    case .elements(let dimension):
      var steps = strides
      steps[dimension] = 0
      var starts = indices.shape.walked(by: steps)
      let (extent, stride) = (tensor[dimension], strides[dimension])
      for index in starts.indices {
        let place = Self.place(numbers[index], of: extent, stride: stride)
        starts[index] = place < 0 ? place : starts[index] + place
      }
      return Runs(length: 1, starts: starts)
    case .tuples(let first):
      let width = indices.shape[indices.shape.rank - 1]
      let last = first + width - 1
      let count = numbers.count / width
      let batch = first == 0 ? tensor.elementCount : strides[first - 1]
      let perBatch = count / (tensor.elementCount / batch)
      let starts = (0..<count).map { row in
        var start = row / perBatch * batch
        for d in first...last {
          let number = numbers[row * width + d - first]
          let place = Self.place(number, of: tensor[d], stride: strides[d])
          if place < 0 { return place }
          start += place
        }
        return start
      }
      return Runs(length: strides[last], starts: starts)
    }
  }

  /// The distance from the first element; −1 where the index is out of range.
  private static func place(_ index: Int64, of extent: Int, stride: Int) -> Int {
    let position = index < 0 ? Int(index) + extent : Int(index)
    return position >= 0 && position < extent ? position * stride : -1
  }

  /// Neighbouring elements of a tensor, as many at each of some places.
  struct Runs {
    /// The number of elements at each place.
    let length: Int
    /// The row-major index of the first, in the order of what is named; −1 where an index is out of
    /// range.
    let starts: [Int]
  }
}

extension Set<ElementType> {
  /// The types of indices.
  static let indices: Set<ElementType> = [.int32, .int64]
}
