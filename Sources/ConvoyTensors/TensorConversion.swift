extension Tensor {
  /// The same tensor with elements of another type, each converted by the rules of `TensorElement`.
  ///
  /// - Precondition: the elements of a tensor with a source can be read from it.
  /// - Complexity: O(*n*); O(1) if the type is the same.
  public func converted(to type: ElementType) -> Tensor {
    if type == self.type { return self }
    let stored = storage.stored
    if type == .float32 {
      return Tensor(shape, storage: .float32(self.type.apply(FloatsOfElements(stored: stored))))
    }
    if self.type == .float32 {
      return Tensor(shape, storage: type.apply(ElementsOfFloats(floats: elements)))
    }
    func convert<Element: TensorElement>(_ target: Element.Type) -> TensorStorage {
      TensorStorage(stored.converted(to: target))
    }
    return Tensor(shape, storage: convert(type.swiftType))
  }

  /// The element at a position, with one index for each dimension, of a given type.
  ///
  /// - Precondition: the tensor's elements have that type; as many indices as dimensions, each
  ///   within its extent.
  public subscript<Element: TensorElement>(indices: Int..., as type: Element.Type) -> Element {
    get {
      guard let elements = (storage.stored as? ElementArray<Element>)?.elements else {
        preconditionFailure("A tensor of \(self.type) was asked for \(Element.type).")
      }
      return elements[offset(of: indices)]
    }
    set {
      let position = offset(of: indices)
      withMutableElements(as: type) { $0[position] = newValue }
    }
  }
}

// MARK: - Spans

extension Tensor {
  /// Calls a closure with the elements in row-major order.
  ///
  /// - Precondition: the type is float32.
  /// - Complexity: O(1), as for `elements`.
  public func withSpan<Result, Failure>(
    _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try elements.withUnsafeBufferPointer { buffer throws(Failure) in try body(buffer.span) }
  }

  /// Calls a closure with the elements in row-major order, of a given type.
  ///
  /// - Throws: `ConvoyError` of kind `.type` when the tensor's elements are of another type, and
  ///   the closure's errors.
  /// - Complexity: O(1), as for `elements`.
  public func withSpan<Element: TensorElement, Result>(
    of type: Element.Type, _ body: (Span<Element>) throws(ConvoyError) -> Result
  ) throws(ConvoyError) -> Result {
    try elements(as: type).withUnsafeBufferPointer { buffer throws(ConvoyError) in
      try body(buffer.span)
    }
  }

  /// Calls a closure with the elements in row-major order, to change them in place.
  ///
  /// - Precondition: the tensor's elements have the given type.
  public mutating func withMutableSpan<Element: TensorElement, Result, Failure>(
    of type: Element.Type, _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withMutableElements(as: type) { buffer throws(Failure) in
      var span = buffer.mutableSpan
      return try body(&span)
    }
  }

  private mutating func withMutableElements<Element: TensorElement, Result, Failure>(
    as type: Element.Type,
    _ body: (inout UnsafeMutableBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    guard var elements = (storage.stored as? ElementArray<Element>)?.elements else {
      preconditionFailure("A tensor of \(self.type) was to be changed as \(Element.type).")
    }
    // The array must be uniquely referenced, or changing it copies it.
    storage = .float32([])
    defer { storage = TensorStorage(elements) }
    return try elements.withUnsafeMutableBufferPointer { buffer throws(Failure) in
      try body(&buffer)
    }
  }
}

// MARK: - Specialised loops

/// A generic function of an element type, for `ElementType.apply`.
public protocol TypedFunction {
  /// The function's result.
  associatedtype Result
  /// The function for one type.
  func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Result
}

extension ElementType {
  /// Calls a function with the Swift type of an element.
  ///
  /// Unlike with `swiftType`, each type is a separate case, so that the compiler specialises a loop
  /// for each. This is how weights are converted.
  @inlinable
  public func apply<Function: TypedFunction>(_ function: Function) -> Function.Result {
    switch self {
    case .float32: function(Float.self)
    case .float16: function(Half.self)
    case .bfloat16: function(BFloat16.self)
    case .float64: function(Double.self)
    case .int8: function(Int8.self)
    case .uint8: function(UInt8.self)
    case .int16: function(Int16.self)
    case .uint16: function(UInt16.self)
    case .int32: function(Int32.self)
    case .uint32: function(UInt32.self)
    case .int64: function(Int64.self)
    case .uint64: function(UInt64.self)
    case .bool: function(Bool.self)
    }
  }

  /// Reads elements from bytes in the byte order of files, and converts them to 32-bit floats.
  package func floats(littleEndian bytes: UnsafeRawBufferPointer) -> [Float] {
    apply(FloatsOfBytes(bytes: bytes))
  }
}

/// Elements as 32-bit floats.
private struct FloatsOfElements: TypedFunction {
  let stored: any StoredElements

  func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> [Float] {
    guard let array = stored as? ElementArray<Element> else { return [] }
    return array.elements.map { $0.converted(to: Float.self) }
  }
}

/// 32-bit floats as elements of a type.
private struct ElementsOfFloats: TypedFunction {
  let floats: [Float]

  func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> TensorStorage {
    TensorStorage(floats.map { $0.converted(to: Element.self) })
  }
}

/// Bytes of a type as 32-bit floats.
private struct FloatsOfBytes: TypedFunction {
  let bytes: UnsafeRawBufferPointer

  func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> [Float] {
    [Element](littleEndian: bytes).map { $0.converted(to: Float.self) }
  }
}
