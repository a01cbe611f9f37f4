/// The extents of a tensor, outermost first: `[batch, channels, height, width]` for images.
///
/// Every extent is at least 1, and the product fits an `Int`. The empty shape `[]` is that of a
/// scalar.
public struct Shape: Hashable, Sendable {
  /// The extents, outermost first.
  public let dimensions: [Int]

  /// The product of the extents: the number of elements of a tensor of this shape.
  public let elementCount: Int

  /// A shape of extents that need not be valid.
  ///
  /// - Throws: `ConvoyError` of kind `.shape` when an extent is below 1 or the number of elements
  ///   exceeds `Shape.maximumElementCount`.
  public init(validating dimensions: some Sequence<Int>) throws(ConvoyError) {
    let dimensions = Array(dimensions)
    var count = 1
    for extent in dimensions {
      guard extent >= 1 else {
        throw ConvoyError(
          .shape, "A shape's extents must be at least 1, got \(Shape.text(dimensions)).")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= Shape.maximumElementCount else {
        throw ConvoyError(
          .shape,
          "A tensor may have at most \(Shape.maximumElementCount) elements, "
            + "got the shape \(Shape.text(dimensions)).")
      }
      count = product
    }
    self.dimensions = dimensions
    self.elementCount = count
  }

  /// A shape of extents that are known to be valid.
  ///
  /// - Precondition: every extent is at least 1.
  public init(_ dimensions: some Sequence<Int>) {
    do {
      try self.init(validating: dimensions)
    } catch {
      preconditionFailure(error.message)
    }
  }

  /// The largest number of elements of a tensor, 2⁴⁰ (4 TiB of floats): far more than fits memory,
  /// but small enough that sums of several shapes' sizes in bytes do not overflow.
  public static let maximumElementCount = 1 << 40

  /// The number of dimensions.
  public var rank: Int { dimensions.count }

  /// The extent of a dimension.
  public subscript(dimension: Int) -> Int { dimensions[dimension] }

  /// For each dimension, the number of elements between neighbours in row-major order.
  public var strides: [Int] {
    var strides = Array(repeating: 1, count: rank)
    for dimension in dimensions.indices.dropLast().reversed() {
      strides[dimension] = strides[dimension + 1] * dimensions[dimension + 1]
    }
    return strides
  }

  static func text(_ dimensions: [Int]) -> String {
    dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "×")
  }
}

extension Shape: ExpressibleByArrayLiteral {
  /// A shape of a literal of extents.
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
  /// The extents joined by `×`, or `scalar`.
  public var description: String { Shape.text(dimensions) }
}

extension Shape: Codable {
  /// Reads an array of extents; refuses invalid ones.
  public init(from decoder: any Decoder) throws {
    try self.init(validating: try decoder.singleValueContainer().decode([Int].self))
  }

  /// Writes the extents as an array.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }
}
