import ConvoyGraphs
import ConvoyTensors

/// Numbers known while importing: weights, or a shape that is being computed.
///
/// Floats are float32, whatever their precision in the model; integers and truth values keep their type.
/// Unlike a `Tensor` it may have no elements.
struct ConstantTensor: Sendable {
  let extents: [Int]
  let type: ElementType
  /// Nil without elements.
  private let stored: Tensor?
  /// The number that all elements are, of weights that only stand for others: these are not in memory.
  private(set) var fill: Float?
  /// The initialiser whose numbers these are, perhaps in another order.
  var source: String?

  private init(_ extents: [Int], _ type: ElementType, _ stored: Tensor?, source: String?) {
    self.extents = extents
    self.type = type
    self.stored = stored
    self.source = source
  }

  /// The numbers of a tensor; those of floats that are not in memory are read when they are needed.
  init(_ tensor: Tensor, source: String? = nil) {
    let tensor = tensor.converted(to: tensor.type.held)
    self.init(tensor.shape.dimensions, tensor.type, tensor, source: source)
  }

  /// One float everywhere, which takes no memory.
  ///
  /// - Throws: a refusal where the extents are no shape.
  init(_ extents: [Int], filledWith fill: Float, source: String? = nil) throws(ConvoyError) {
    let tensor = Tensor(try Shape(validating: extents), from: Fill(number: fill))
    self.init(extents, .float32, tensor, source: source)
    self.fill = fill
  }

  /// No numbers.
  ///
  /// - Precondition: an extent is 0.
  init(empty extents: [Int], _ type: ElementType) {
    precondition(extents.contains(0))
    self.init(extents, type.held, nil, source: nil)
  }

  /// Numbers in row-major order.
  ///
  /// - Precondition: there are as many elements as the extents say.
  init<Element: TensorElement>(
    _ extents: [Int], _ elements: [Element], source: String? = nil
  ) {
    precondition(extents.reduce(1, *) == elements.count)
    let tensor = elements.isEmpty ? nil : try? Tensor(Shape(extents), elements: elements)
    self.init(
      extents, Element.type.held, tensor?.converted(to: Element.type.held), source: source)
  }

  /// Whole numbers of a type; what does not fit wraps around.
  ///
  /// - Precondition: there are as many elements as the extents say.
  init(_ extents: [Int], integers: [Int], _ type: ElementType = .int64) {
    self = type.apply(WrappedIntegers(integers: integers, extents: extents))
  }

  /// A row of 64-bit integers.
  init(integers: [Int]) { self.init([integers.count], integers: integers) }

  var rank: Int { extents.count }

  var count: Int { stored?.shape.elementCount ?? 0 }

  /// As a tensor.
  ///
  /// - Throws: a refusal where there are no elements.
  func tensor() throws(ConvoyError) -> Tensor {
    guard let stored else {
      throw .refused("a tensor of shape \(extents), which has no elements, is not supported")
    }
    return stored
  }

  /// The elements as a Swift type.
  ///
  /// - Precondition: it is the type's.
  func elements<Element: TensorElement>(as _: Element.Type) throws(ConvoyError) -> [Element] {
    guard let stored else { return [] }
    guard stored.isElsewhere else { return try stored.elements(as: Element.self) }
    // Read again by every reader rather than kept: weights are large.
    let count = stored.shape.elementCount
    let floats = try [Float](unsafeUninitializedCapacity: count) {
      (buffer, filled) throws(ConvoyError) in
      try stored.copyElements(to: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      filled = count
    }
    return try Tensor(stored.shape, floats).elements(as: Element.self)
  }

  /// The whole numbers, or truth values as 0 and 1. What an `Int` cannot hold becomes the largest.
  func integers() throws(ConvoyError) -> [Int] {
    guard !type.isFloating else { throw .refused("integers are expected, got floats") }
    if type == .uint64 {
      // Exporters write bounds such as 2⁶⁴ − 1, which are to stay large.
      return try elements(as: UInt64.self).map { Int(clamping: $0) }
    }
    return try converted(to: .int64).elements(as: Int64.self).map { Int($0) }
  }

  /// The floats.
  func floats() throws(ConvoyError) -> [Float] {
    guard type.isFloating else { throw .refused("floats are expected, got integers") }
    return try elements(as: Float.self)
  }

  /// The number of a tensor of one float.
  var scalar: Float? {
    guard count == 1, type.isFloating, let floats = try? floats() else { return nil }
    return floats[0]
  }

  /// The same numbers as another type, by the rules of `TensorElement`.
  func converted(to type: ElementType) -> ConstantTensor {
    let held = type.held
    if held == self.type { return self }
    return ConstantTensor(extents, held, stored?.converted(to: held), source: nil)
  }

  /// The same numbers as another type, of which the precision is lost.
  func cast(to type: ElementType) -> ConstantTensor {
    guard type.rounds, let stored else { return converted(to: type) }
    return ConstantTensor(stored.converted(to: type))
  }

  /// The same numbers under other extents.
  func reshaped(_ extents: [Int]) throws(ConvoyError) -> ConstantTensor {
    guard try ConstantTensor.count(of: extents) == count else {
      throw .refused("the shape \(self.extents) cannot become \(extents)")
    }
    let reshaped = try stored?.reshaped(to: Shape(validating: extents))
    var result = ConstantTensor(extents, type, reshaped, source: source)
    result.fill = fill
    return result
  }

  /// The product of extents that come from outside.
  static func count(of extents: [Int]) throws(ConvoyError) -> Int {
    guard extents.count <= largestRank else {
      throw .refused("at most \(largestRank) dimensions are expected, got \(extents.count)")
    }
    var count = 1
    // Without elements, products of the other extents are still made.
    for extent in extents.sorted(by: >) {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow, product <= Shape.maximumElementCount else {
        throw .refused("the shape \(extents) cannot be held")
      }
      count = product
    }
    return count
  }

  /// More dimensions than networks have, few enough that nothing takes long.
  static let largestRank = 16
}

extension ElementType {
  /// The type in which graphs compute: all floats are float32 there.
  var held: ElementType { isFloating ? .float32 : self }

  /// Whether its floats have less precision than those in which graphs compute.
  var rounds: Bool { self == .float16 || self == .bfloat16 }
}

/// One float everywhere.
private struct Fill: ElementSource {
  let number: Float

  func read(
    _ part: Range<Int>, into elements: UnsafeMutableBufferPointer<Float>
  ) throws(ConvoyError) {
    elements.update(repeating: number)
  }
}

/// Integers as elements of a type, of which the low bits are kept.
private struct WrappedIntegers: TypedFunction {
  let integers: [Int]
  let extents: [Int]

  func callAsFunction<Element: TensorElement>(_: Element.Type) -> ConstantTensor {
    ConstantTensor(extents, integers.map { Element(converting: Int64($0)) })
  }
}

/// What is known of a value of the model that is imported.
enum Imported {
  /// Its numbers.
  case constant(ConstantTensor)
  /// That it is computed at each run.
  case computed(Value)

  var extents: [Int] {
    switch self {
    case .constant(let constant): constant.extents
    case .computed(let value): value.shape.dimensions
    }
  }

  var type: ElementType {
    switch self {
    case .constant(let constant): constant.type
    case .computed(let value): value.type
    }
  }
}
