/// A dense array of 32-bit floats in row-major order, with a shape.
///
/// A value type: copies are independent, and cheap until one of them is changed. Images are
/// `[batch, channels, height, width]` ("NCHW").
public struct Tensor: Hashable, Sendable {
  /// The extents.
  public let shape: Shape

  /// The elements in row-major order; as many as `shape.elementCount`.
  public private(set) var elements: [Float]

  /// Makes a tensor whose elements are all the same.
  ///
  /// - Complexity: O(*n*) in the number of elements.
  public init(_ shape: Shape, repeating value: Float = 0) {
    self.shape = shape
    self.elements = Array(repeating: value, count: shape.elementCount)
  }

  /// Makes a tensor from elements in row-major order.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the number of elements is not the shape's.
  public init(_ shape: Shape, _ elements: [Float]) throws(ConvoyError) {
    guard elements.count == shape.elementCount else {
      throw ConvoyError(
        .shape,
        "A tensor of shape \(shape) has \(shape.elementCount) elements, got \(elements.count).")
    }
    self.shape = shape
    self.elements = elements
  }

  /// Makes a tensor by letting a closure fill its memory, which starts uninitialised.
  ///
  /// - Precondition: the closure initialises every element.
  public init(
    uninitialized shape: Shape,
    initializingWith body: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    self.shape = shape
    self.elements = try Array(unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
      LargePages.advise(UnsafeMutableRawBufferPointer(buffer))
      try body(buffer)
      count = shape.elementCount
    }
  }

  /// Makes a tensor with elements drawn from a normal distribution.
  public init(
    normal shape: Shape, mean: Float = 0, deviation: Float = 1, using random: inout Random
  ) {
    self.shape = shape
    self.elements = (0..<shape.elementCount).map { _ in mean + deviation * random.normal() }
  }

  /// Makes a tensor with elements drawn evenly from a range.
  public init(
    uniform shape: Shape, in range: ClosedRange<Float>, using random: inout Random
  ) {
    self.shape = shape
    self.elements = (0..<shape.elementCount).map { _ in
      range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
    }
  }

  /// The element at a position, one index a dimension.
  ///
  /// - Precondition: as many indices as dimensions, each within its extent.
  public subscript(indices: Int...) -> Float {
    get { elements[offset(of: indices)] }
    set { elements[offset(of: indices)] = newValue }
  }

  /// The same elements in the same order under another shape.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the number of elements differs.
  public func reshaped(to shape: Shape) throws(ConvoyError) -> Tensor {
    try Tensor(shape, elements)
  }

  /// Calls a closure with the elements' memory, to change them in place.
  public mutating func withUnsafeMutableElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    try elements.withUnsafeMutableBufferPointer { try body($0) }
  }

  private func offset(of indices: [Int]) -> Int {
    precondition(
      indices.count == shape.rank,
      "A tensor of shape \(shape) takes \(shape.rank) indices, got \(indices.count).")
    var offset = 0
    for (index, extent) in zip(indices, shape.dimensions) {
      precondition(
        index >= 0 && index < extent, "The index \(indices) lies outside the shape \(shape).")
      offset = offset * extent + index
    }
    return offset
  }
}

extension Tensor: CustomStringConvertible {
  /// The shape, and the first elements.
  public var description: String {
    let shown = elements.prefix(8).map { "\($0)" }.joined(separator: ", ")
    return "Tensor(\(shape): \(shown)\(elements.count > 8 ? ", …" : ""))"
  }
}
