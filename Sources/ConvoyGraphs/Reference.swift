public import ConvoyTensors

/// A tensor of Doubles, for the references of operators, which are plain and slow.
public struct ReferenceTensor: Hashable, Sendable {
  /// The extents.
  public let shape: Shape
  /// The elements in row-major order.
  public var elements: [Double]
  /// The type that the elements represent: integers and floats are converted differently.
  public var type = ElementType.float32

  /// A tensor whose elements are all the same.
  public init(_ shape: Shape, repeating value: Double = 0) {
    self.shape = shape
    elements = Array(repeating: value, count: shape.elementCount)
  }

  /// A tensor of elements in row-major order; its type is float32 unless it is set.
  ///
  /// - Precondition: the number of elements is the shape's.
  public init(_ shape: Shape, _ elements: [Double]) {
    precondition(elements.count == shape.elementCount)
    self.shape = shape
    self.elements = elements
  }

  /// A tensor of any type converted to Double; integers beyond 2⁵³ are rounded.
  public init(_ tensor: Tensor) {
    self.init(tensor.shape, tensor.doubles)
    type = tensor.type
  }

  /// The element at a position, with one index for each dimension.
  public subscript(index: [Int]) -> Double {
    get { elements[offset(index)] }
    set { elements[offset(index)] = newValue }
  }

  /// The element at a position; nil outside the extents, where padding is read.
  public func element(at index: [Int]) -> Double? { shape.offset(of: index).map { elements[$0] } }

  private func offset(_ index: [Int]) -> Int {
    zip(index, shape.dimensions).reduce(0) { $0 * $1.1 + $1.0 }
  }
}

extension Shape {
  /// The extents of an image's pixels: [B, C, …] without batch and channels.
  var pixels: Shape { Shape(dimensions.dropFirst(2)) }

  /// The index in row-major order of a position; nil outside the extents.
  func offset(of position: [Int]) -> Int? {
    var offset = 0
    for (i, extent) in zip(position, dimensions) {
      guard i >= 0, i < extent else { return nil }
      offset = offset * extent + i
    }
    return offset
  }

  /// Every position, in row-major order: the loops of a reference.
  public var indices: some Sequence<[Int]> {
    sequence(state: Array(repeating: 0, count: rank) as [Int]?) { state -> [Int]? in
      guard let current = state else { return nil }
      var next = current
      var dimension = dimensions.count - 1
      while dimension >= 0 {
        next[dimension] += 1
        if next[dimension] < dimensions[dimension] { break }
        next[dimension] = 0
        dimension -= 1
      }
      state = dimension < 0 ? nil : next
      return current
    }
  }
}
