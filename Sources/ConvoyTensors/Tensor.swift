/// A dense array of numbers of one type in row-major order, with a shape.
///
/// Tensors are values: copies are independent, and cheap until one of them is changed. Images are
/// `[batch, channels, height, width]` ("NCHW"). The default type is 32-bit floats; functions that
/// access elements without naming a type are for these.
public struct Tensor: Hashable, Sendable {
  /// The extents.
  public let shape: Shape
  /// The type of the elements.
  public var type: ElementType { storage.type }

  var storage: TensorStorage

  /// The elements in row-major order; as many as `shape.elementCount`.
  ///
  /// - Precondition: the type is float32, and the elements of a tensor with a source can be read
  ///   from it.
  /// - Complexity: O(1); O(*n*) at the first access to elements that are not in memory.
  public var elements: [Float] {
    switch storage {
    case .float32(let elements): elements
    case .elsewhere(let elsewhere): elsewhere.kept
    case .other:
      preconditionFailure("A tensor of \(type) was asked for float32; use elements(as:).")
    }
  }

  /// The elements in row-major order, of a given type.
  ///
  /// - Throws: `ConvoyError` of kind `.type` when the tensor's elements are of another type;
  ///   `converted(to:)` converts.
  /// - Complexity: O(1), as for `elements`.
  public func elements<Element: TensorElement>(
    as type: Element.Type
  ) throws(ConvoyError) -> [Element] {
    guard let elements = (storage.stored as? ElementArray<Element>)?.elements else {
      throw ConvoyError(
        .type, "Expected elements of \(Element.type), got a tensor of \(self.type).")
    }
    return elements
  }

  /// A tensor whose elements are all the same.
  ///
  /// - Complexity: O(*n*) in the number of elements.
  public init(_ shape: Shape, repeating value: Float = 0) {
    Tensor.claimMemory(for: shape, .float32)
    self.shape = shape
    storage = .float32(Array(repeating: value, count: shape.elementCount))
  }

  /// A tensor of zeros of a type, or of truth values that are false.
  ///
  /// - Complexity: O(*n*) in the number of elements.
  public init(zeros shape: Shape, type: ElementType) {
    Tensor.claimMemory(for: shape, type)
    func zeros<Element: TensorElement>(_: Element.Type) -> TensorStorage {
      TensorStorage(Array(repeating: Element(bits: 0), count: shape.elementCount))
    }
    self.init(shape, storage: zeros(type.swiftType))
  }

  /// A tensor of elements in row-major order.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the number of elements is not the shape's.
  public init(_ shape: Shape, _ elements: [Float]) throws(ConvoyError) {
    try self.init(shape, elements: elements)
  }

  /// A tensor of elements of any type in row-major order: `Tensor([2], elements: [3, 4] as
  /// [Int64])`.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when the number of elements is not the shape's.
  public init<Element: TensorElement>(
    _ shape: Shape, elements: [Element]
  ) throws(ConvoyError) {
    guard elements.count == shape.elementCount else {
      throw ConvoyError(
        .shape,
        "A tensor of shape \(shape) has \(shape.elementCount) elements, got \(elements.count).")
    }
    self.init(shape, storage: TensorStorage(elements))
  }

  /// A tensor of rank 0.
  public init<Element: TensorElement>(scalar: Element) {
    self.init([], storage: TensorStorage([scalar]))
  }

  /// A tensor whose memory, which is uninitialised, a closure fills.
  ///
  /// - Precondition: the closure initialises every element.
  public init<Failure>(
    uninitialized shape: Shape,
    initializingWith body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Void
  ) throws(Failure) {
    Tensor.claimMemory(for: shape, .float32)
    self.shape = shape
    storage = .float32(
      try Array(unsafeUninitializedCapacity: shape.elementCount) {
        (buffer, count) throws(Failure) in
        LargePages.advise(UnsafeMutableRawBufferPointer(buffer))
        try body(buffer)
        count = shape.elementCount
      })
  }

  /// A tensor with normally distributed elements.
  public init(
    normal shape: Shape, mean: Float = 0, deviation: Float = 1, using random: inout Random
  ) {
    Tensor.claimMemory(for: shape, .float32)
    self.shape = shape
    storage = .float32((0..<shape.elementCount).map { _ in mean + deviation * random.normal() })
  }

  /// A tensor with elements that are uniformly distributed in a range.
  public init(
    uniform shape: Shape, in range: ClosedRange<Float>, using random: inout Random
  ) {
    Tensor.claimMemory(for: shape, .float32)
    self.shape = shape
    storage = .float32(
      (0..<shape.elementCount).map { _ in
        range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
      })
  }

  /// Ends the process with a sentence where there is no memory for the elements of a tensor.
  private static func claimMemory(for shape: Shape, _ type: ElementType) {
    AvailableMemory.claim(
      shape.elementCount * type.size, for: "The elements of a tensor of shape \(shape)")
  }

  /// The element at a position, with one index for each dimension.
  ///
  /// - Precondition: the type is float32; as many indices as dimensions, each within its extent.
  public subscript(indices: Int...) -> Float {
    get { elements[offset(of: indices)] }
    set {
      let offset = offset(of: indices)
      withUnsafeMutableElements { $0[offset] = newValue }
    }
  }

  /// Calls a closure with the elements' memory, to change them in place.
  ///
  /// - Precondition: the type is float32.
  public mutating func withUnsafeMutableElements<Result, Failure>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var elements = elements
    // The array must be uniquely referenced, or changing it copies it.
    storage = .float32([])
    defer { storage = .float32(elements) }
    return try elements.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try body(buffer)
    }
  }

  init(_ shape: Shape, storage: TensorStorage) {
    self.shape = shape
    self.storage = storage
  }

  func offset(of indices: [Int]) -> Int {
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
  /// A tensor whose elements are read when they are needed.
  ///
  /// Compiling reads each such tensor into memory that is reused for the next; an access to
  /// `elements` keeps them in memory.
  public init(_ shape: Shape, from source: some ElementSource) {
    self.init(
      shape, storage: .elsewhere(ElementsElsewhere(source, count: shape.elementCount)))
  }

  /// Whether the elements have not been read into memory yet.
  public var isElsewhere: Bool {
    if case .elsewhere(let elsewhere) = storage { elsewhere.isUnread } else { false }
  }

  /// Copies elements to memory, without keeping them in the tensor.
  ///
  /// - Parameters:
  ///   - part: the row-major indices of the elements; all by default.
  ///   - memory: the destination.
  /// - Precondition: the type is float32, the elements exist, and the memory has room for them.
  /// - Throws: `ConvoyError` when they cannot be read.
  public func copyElements(
    _ part: Range<Int>? = nil, to memory: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError) {
    let part = part ?? 0..<shape.elementCount
    precondition(
      part.lowerBound >= 0 && part.upperBound <= shape.elementCount && memory.count >= part.count)
    switch storage {
    case .elsewhere(let elsewhere): try elsewhere.copy(part, to: memory)
    case .float32, .other: _ = memory.update(fromContentsOf: elements[part])
    }
  }

  /// The same tensor with its elements in memory.
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

// MARK: - Bytes

extension Tensor {
  /// The size of all elements, in bytes.
  public var byteCount: Int { shape.elementCount * type.size }

  /// Calls a closure with the bytes of the elements, in this machine's byte order.
  ///
  /// - Precondition: the elements of a tensor with a source can be read from it.
  package func withUnsafeBytes<Result, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    if case .float32(let elements) = storage { return try elements.withBytes(body) }
    return try storage.stored.withUnsafeBytes(body)
  }

  /// A tensor of a type whose bytes, initially zero, a closure fills.
  package init(
    zeros shape: Shape, type: ElementType, filledWith body: (UnsafeMutableRawBufferPointer) -> Void
  ) {
    var stored = Tensor(zeros: shape, type: type).storage.stored
    stored.withUnsafeMutableBytes(body)
    self.init(shape, storage: .other(stored))
    if let floats = (stored as? ElementArray<Float>)?.elements { storage = .float32(floats) }
  }

  /// A tensor of a type, with the bytes of its elements in this machine's byte order.
  ///
  /// - Precondition: there are as many bytes as shape and type need, at an address that is aligned
  ///   for the type.
  package init(_ shape: Shape, type: ElementType, copying bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count == shape.elementCount * type.size)
    guard type != .float32 else {
      self.init(uninitialized: shape) {
        UnsafeMutableRawBufferPointer($0).copyMemory(from: bytes)
      }
      return
    }
    self.init(zeros: shape, type: type) { $0.copyMemory(from: bytes) }
  }

  /// Copies the bytes of the elements to memory.
  ///
  /// - Precondition: the memory has room for them, at an address that is aligned for the type.
  /// - Throws: `ConvoyError` when they cannot be read from their source.
  package func copyBytes(to memory: UnsafeMutableRawBufferPointer) throws(ConvoyError) {
    if type == .float32 { return try copyElements(to: memory.bindMemory(to: Float.self)) }
    withUnsafeBytes { memory.copyMemory(from: $0) }
  }

  /// Calls a closure with the elements in the byte order of files; elements that are not in memory
  /// are read for the duration of the call.
  ///
  /// - Throws: `ConvoyError` when elements cannot be read, and the closure's errors.
  package func withLittleEndianBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(ConvoyError) -> Result
  ) throws(ConvoyError) -> Result {
    let tensor = try inMemory()
    #if _endian(little)
      return try tensor.withUnsafeBytes(body)
    #else
      func swapped<Element: TensorElement>(_: Element.Type) throws(ConvoyError) -> Result {
        try tensor.elements(as: Element.self).map(\.bits.littleEndian).withBytes(body)
      }
      return try swapped(type.swiftType)
    #endif
  }

  /// A tensor of the bytes of its elements, in the byte order of files.
  ///
  /// - Precondition: there are as many bytes as shape and type need.
  /// - Complexity: O(*n*) in the number of bytes.
  package init(_ shape: Shape, type: ElementType, littleEndian bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count == shape.elementCount * type.size)
    func read<Element: TensorElement>(_: Element.Type) -> TensorStorage {
      TensorStorage([Element](littleEndian: bytes))
    }
    self.init(shape, storage: read(type.swiftType))
  }
}

extension Array where Element: TensorElement {
  /// Reads elements from bytes in the byte order of files; remaining bytes that do not fill an
  /// element are ignored.
  package init(littleEndian bytes: UnsafeRawBufferPointer) {
    let size = MemoryLayout<Element.Bits>.size
    AvailableMemory.claim(bytes.count, for: "\(bytes.count / size) elements")
    self.init(unsafeUninitializedCapacity: bytes.count / size) { buffer, count in
      count = bytes.count / size
      // Not every byte is a truth value; the bits of all other types are copied unchanged.
      if 1.littleEndian == 1, Element.self != Bool.self {
        UnsafeMutableRawBufferPointer(buffer).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[..<(count * size)]))
        return
      }
      for index in 0..<count {
        let bits = bytes.loadUnaligned(fromByteOffset: index * size, as: Element.Bits.self)
        buffer.initializeElement(at: index, to: Element(bits: Element.Bits(littleEndian: bits)))
      }
    }
  }
}

// MARK: - Equality

extension Tensor {
  /// Whether shapes, types and elements are equal; reads elements that are not in memory.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.shape == b.shape, a.type == b.type else { return false }
    if case .elsewhere(let one) = a.storage, case .elsewhere(let other) = b.storage, one === other {
      return true
    }
    return a.storage.stored.isEqual(to: b.storage.stored)
  }

  /// Hashes shape and elements.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(shape)
    storage.stored.hash(into: &hasher)
  }
}
