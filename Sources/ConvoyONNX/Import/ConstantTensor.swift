import ConvoyGraphs
import ConvoyTensors

/// Numbers known while importing: weights, or a shape that is being computed.
///
/// Unlike a `Tensor` it may hold whole numbers, and have no elements.
struct ConstantTensor {
  /// The numbers in row-major order. Truth values are the integers 0 and 1.
  enum Elements {
    case floats([Float])
    case integers([Int])
  }

  private enum Storage {
    case memory(Elements)
    /// Floats that are still in a file.
    case file(Tensor)
  }

  let extents: [Int]
  private let storage: Storage
  /// The initialiser whose numbers these are, perhaps in another order.
  var source: String?

  /// - Precondition: there are as many elements as the extents say.
  init(_ extents: [Int], _ elements: Elements, source: String? = nil) {
    precondition(extents.reduce(1, *) == elements.count)
    self.extents = extents
    storage = .memory(elements)
    self.source = source
  }

  /// Takes floats that are read when they are needed.
  init(_ tensor: Tensor, source: String?) {
    self.init(tensor.shape.dimensions, .file(tensor), source: source)
  }

  private init(_ extents: [Int], _ storage: Storage, source: String?) {
    self.extents = extents
    self.storage = storage
    self.source = source
  }

  init(integers: [Int]) { self.init([integers.count], .integers(integers)) }

  var rank: Int { extents.count }

  var count: Int {
    switch storage {
    case .memory(let elements): elements.count
    case .file(let tensor): tensor.shape.elementCount
    }
  }

  /// The numbers, in memory from now on.
  var elements: Elements {
    switch storage {
    case .memory(let elements): elements
    case .file(let tensor): .floats(tensor.elements)
    }
  }

  /// As a tensor of floats.
  func tensor() throws(ConvoyError) -> Tensor {
    if case .file(let tensor) = storage {
      return try tensor.reshaped(to: Shape(validating: extents))
    }
    guard case .floats(let floats) = elements else {
      throw .refused("floats are expected, got integers")
    }
    return try Tensor(Shape(validating: extents), floats)
  }

  /// The whole numbers.
  func integers() throws(ConvoyError) -> [Int] {
    guard case .integers(let integers) = elements else {
      throw .refused("integers are expected, got floats")
    }
    return integers
  }

  /// The floats.
  func floats() throws(ConvoyError) -> [Float] {
    guard case .floats(let floats) = elements else {
      throw .refused("floats are expected, got integers")
    }
    return floats
  }

  /// The number of a tensor of one element.
  var scalar: Float? {
    guard count == 1, case .floats(let floats) = elements else { return nil }
    return floats[0]
  }

  /// The same numbers under other extents.
  func reshaped(_ extents: [Int]) throws(ConvoyError) -> ConstantTensor {
    guard try ConstantTensor.count(of: extents) == count else {
      throw .refused("the shape \(self.extents) cannot become \(extents)")
    }
    return ConstantTensor(extents, storage, source: source)
  }

  /// The elements of some positions, counted in row-major order, under new extents.
  ///
  /// - Precondition: as many positions as the extents say, each within the elements.
  func gathering(_ positions: [Int], _ extents: [Int], source: String? = nil) -> ConstantTensor {
    switch elements {
    case .floats(let floats):
      ConstantTensor(extents, .floats(positions.map { floats[$0] }), source: source)
    case .integers(let integers):
      ConstantTensor(extents, .integers(positions.map { integers[$0] }), source: source)
    }
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

extension ConstantTensor.Elements {
  var count: Int {
    switch self {
    case .floats(let floats): floats.count
    case .integers(let integers): integers.count
    }
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
}
