/// A dense array of 32-bit floats in row-major order, with a shape.
///
/// A value type: copies are independent, and cheap until one of them is changed. Images are
/// `[batch, channels, height, width]` ("NCHW").
public struct Tensor: Hashable, Sendable {
  /// The extents.
  public let shape: Shape
  /// The type of the elements.
  public var type: ElementType { .float32 }

  private var storage: Storage

  private enum Storage: Sendable {
    case memory([Float])
    case elsewhere(ElementsElsewhere)
  }

  /// The elements in row-major order; as many as `shape.elementCount`.
  ///
  /// - Precondition: those of a tensor that was made from a source can be read from it.
  /// - Complexity: O(1); O(*n*) the first time it is asked for what is not in memory.
  public var elements: [Float] {
    switch storage {
    case .memory(let elements): elements
    case .elsewhere(let elsewhere): elsewhere.kept
    }
  }

  /// Makes a tensor whose elements are all the same.
  ///
  /// - Complexity: O(*n*) in the number of elements.
  public init(_ shape: Shape, repeating value: Float = 0) {
    self.shape = shape
    storage = .memory(Array(repeating: value, count: shape.elementCount))
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
    storage = .memory(elements)
  }

  /// Makes a tensor by letting a closure fill its memory, which starts uninitialised.
  ///
  /// - Precondition: the closure initialises every element.
  public init(
    uninitialized shape: Shape,
    initializingWith body: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    self.shape = shape
    storage = .memory(
      try Array(unsafeUninitializedCapacity: shape.elementCount) { buffer, count in
        LargePages.advise(UnsafeMutableRawBufferPointer(buffer))
        try body(buffer)
        count = shape.elementCount
      })
  }

  /// Makes a tensor with elements drawn from a normal distribution.
  public init(
    normal shape: Shape, mean: Float = 0, deviation: Float = 1, using random: inout Random
  ) {
    self.shape = shape
    storage = .memory((0..<shape.elementCount).map { _ in mean + deviation * random.normal() })
  }

  /// Makes a tensor with elements drawn evenly from a range.
  public init(
    uniform shape: Shape, in range: ClosedRange<Float>, using random: inout Random
  ) {
    self.shape = shape
    storage = .memory(
      (0..<shape.elementCount).map { _ in
        range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
      })
  }

  /// The element at a position, one index a dimension.
  ///
  /// - Precondition: as many indices as dimensions, each within its extent.
  public subscript(indices: Int...) -> Float {
    get { elements[offset(of: indices)] }
    set {
      let offset = offset(of: indices)
      withUnsafeMutableElements { $0[offset] = newValue }
    }
  }

  /// The same elements in the same order under another shape.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the number of elements differs.
  public func reshaped(to shape: Shape) throws(ConvoyError) -> Tensor {
    guard case .elsewhere(let elsewhere) = storage, shape.elementCount == self.shape.elementCount
    else { return try Tensor(shape, elements) }
    return Tensor(shape, storage: .elsewhere(elsewhere))
  }

  /// Calls a closure with the elements' memory, to change them in place.
  public mutating func withUnsafeMutableElements<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    var elements = elements
    // The array is to be held once, or else changing it copies it.
    storage = .memory([])
    defer { storage = .memory(elements) }
    return try elements.withUnsafeMutableBufferPointer { try body($0) }
  }

  private init(_ shape: Shape, storage: Storage) {
    self.shape = shape
    self.storage = storage
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

extension Tensor {
  /// Makes a tensor whose elements are read when they are needed.
  ///
  /// Compiling reads each into memory that is used again for the next; whoever asks for `elements` keeps
  /// them in memory.
  public init(_ shape: Shape, from source: some ElementSource) {
    self.init(
      shape, storage: .elsewhere(ElementsElsewhere(source, count: shape.elementCount)))
  }

  /// Whether the elements have yet to be read.
  public var isElsewhere: Bool {
    if case .elsewhere(let elsewhere) = storage { elsewhere.isUnread } else { false }
  }

  /// Copies elements, which stay where they are, to memory.
  ///
  /// - Parameters:
  ///   - part: which, counted in row-major order; all by default.
  ///   - memory: where to.
  /// - Precondition: the elements exist, and the memory has room for them.
  /// - Throws: `ConvoyError` when they cannot be read.
  public func copyElements(
    _ part: Range<Int>? = nil, to memory: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError) {
    let part = part ?? 0..<shape.elementCount
    precondition(
      part.lowerBound >= 0 && part.upperBound <= shape.elementCount && memory.count >= part.count)
    switch storage {
    case .memory(let elements): _ = memory.update(fromContentsOf: elements[part])
    case .elsewhere(let elsewhere): try elsewhere.copy(part, to: memory)
    }
  }

  /// The same tensor in memory.
  ///
  /// - Throws: `ConvoyError` when elements cannot be read.
  public func inMemory() throws(ConvoyError) -> Tensor {
    guard case .elsewhere = storage else { return self }
    var result = Tensor(shape)
    var failure: ConvoyError?
    result.withUnsafeMutableElements { memory in
      do throws(ConvoyError) { try copyElements(to: memory) } catch { failure = error }
    }
    if let failure { throw failure }
    return result
  }
}

extension Tensor {
  /// Calls a closure with the elements as files hold them; what is not in memory is read for that time only.
  ///
  /// - Throws: `ConvoyError` when elements cannot be read, and what the closure throws.
  package func withLittleEndianBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let elements = try inMemory().elements
    #if _endian(little)
      return try elements.withUnsafeBytes(body)
    #else
      return try elements.map(\.bitPattern.littleEndian).withUnsafeBytes(body)
    #endif
  }
}

extension Tensor {
  /// Whether shapes and elements are equal; reads what is not in memory.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.shape == b.shape else { return false }
    if case .elsewhere(let one) = a.storage, case .elsewhere(let other) = b.storage, one === other {
      return true
    }
    return a.elements == b.elements
  }

  /// Hashes shape and elements.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(shape)
    hasher.combine(elements)
  }
}

extension Tensor: CustomStringConvertible {
  /// The shape, and the first elements.
  public var description: String {
    let shown = elements.prefix(8).map { "\($0)" }.joined(separator: ", ")
    return "Tensor(\(shape): \(shown)\(elements.count > 8 ? ", …" : ""))"
  }
}
