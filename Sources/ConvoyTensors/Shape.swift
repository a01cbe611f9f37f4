/// The extents of a tensor, outermost first: `[batch, channels, height, width]` for images.
///
/// Every extent is at least 1 and the product fits in an `Int`; a shape that breaks this cannot be
/// made. The empty shape `[]` is a scalar's.
public struct Shape: Hashable, Sendable {
  /// The extents, outermost first.
  public let dimensions: [Int]

  /// The product of the extents: how many elements a tensor of this shape has.
  public let elementCount: Int

  /// Makes a shape from extents that come from outside.
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

  /// Makes a shape from extents the program vouches for.
  ///
  /// - Precondition: every extent is at least 1.
  public init(_ dimensions: some Sequence<Int>) {
    do {
      try self.init(validating: dimensions)
    } catch {
      preconditionFailure(error.message)
    }
  }

  /// The largest number of elements a tensor may have, 2⁴⁰ (4 TiB of floats): far above what fits
  /// in memory, low enough that sums of a few shapes' sizes in bytes cannot overflow.
  public static let maximumElementCount = 1 << 40

  /// The number of dimensions.
  public var rank: Int { dimensions.count }

  /// The extent of a dimension.
  public subscript(dimension: Int) -> Int { dimensions[dimension] }

  /// For each dimension, how many elements apart its neighbours lie in row-major order.
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
  /// Makes a shape from a literal of extents.
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
  /// The extents joined by `×`, or `scalar`.
  public var description: String { Shape.text(dimensions) }
}

extension Shape: Codable {
  /// Reads an array of extents, refusing those that make no shape.
  public init(from decoder: any Decoder) throws {
    try self.init(validating: try decoder.singleValueContainer().decode([Int].self))
  }

  /// Writes the extents as an array.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(dimensions)
  }
}
