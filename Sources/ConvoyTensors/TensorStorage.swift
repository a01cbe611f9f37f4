/// The storage of a tensor's elements.
enum TensorStorage: Sendable {
  /// 32-bit floats in memory: the usual case, which costs no more than an array.
  case float32([Float])
  /// Elements of another type in memory.
  case other(any StoredElements)
  /// 32-bit floats that are read when they are needed.
  case elsewhere(ElementsElsewhere)

  init<Element: TensorElement>(_ elements: [Element]) {
    let stored = ElementArray(elements)
    if let floats = stored.elements(as: Float.self) {
      self = .float32(floats)
    } else {
      self = .other(stored)
    }
  }

  var type: ElementType {
    switch self {
    case .float32, .elsewhere: .float32
    case .other(let stored): stored.type
    }
  }

  /// The elements in memory, of any type; reads them from their source if they are not.
  var stored: any StoredElements {
    switch self {
    case .float32(let elements): ElementArray(elements)
    case .other(let stored): stored
    case .elsewhere(let elsewhere): ElementArray(elsewhere.kept)
    }
  }
}

/// An array of elements of a type that is known at run time.
protocol StoredElements: Sendable {
  var type: ElementType { get }

  /// Calls a closure with the memory of the elements.
  func withUnsafeBytes<Result, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result
  /// Calls a closure with the memory of the elements, to change them.
  mutating func withUnsafeMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result
  /// Whether another array has the same type and equal elements.
  func isEqual(to other: any StoredElements) -> Bool
  func hash(into hasher: inout Hasher)
  /// The elements as another type.
  func converted<Target: TensorElement>(to type: Target.Type) -> [Target]
  /// The elements of some positions.
  func gathered(_ positions: [Int]) -> TensorStorage
  /// An element as text.
  func text(_ position: Int) -> String
}

/// The only kind of stored elements.
struct ElementArray<Element: TensorElement>: StoredElements {
  var elements: [Element]

  init(_ elements: [Element]) { self.elements = elements }

  var type: ElementType { Element.type }

  /// The array itself if its elements have a type. A cast of the array would look at each element.
  func elements<Other: TensorElement>(as type: Other.Type) -> [Other]? {
    (self as? ElementArray<Other>)?.elements
  }

  func withUnsafeBytes<Result, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result { try elements.withBytes(body) }

  mutating func withUnsafeMutableBytes<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws -> Result
  ) rethrows -> Result { try elements.withUnsafeMutableBytes(body) }

  func isEqual(to other: any StoredElements) -> Bool {
    (other as? ElementArray<Element>)?.elements == elements
  }

  func hash(into hasher: inout Hasher) { hasher.combine(elements) }

  func converted<Target: TensorElement>(to type: Target.Type) -> [Target] {
    if let same = self.elements(as: type) { return same }
    return elements.map { $0.converted(to: type) }
  }

  func gathered(_ positions: [Int]) -> TensorStorage {
    TensorStorage(positions.map { elements[$0] })
  }

  func text(_ position: Int) -> String { "\(elements[position])" }
}

extension Array where Element: BitwiseCopyable {
  /// Calls a closure with the memory of the elements; what it throws keeps its type.
  func withBytes<Result, Failure>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBufferPointer { (elements) throws(Failure) in
      try body(UnsafeRawBufferPointer(elements))
    }
  }
}
