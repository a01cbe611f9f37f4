/// Three spatial extents, or positions: depth, height, width.
///
/// Images have depth 1, signals height 1 too. Arithmetic is by dimension.
public struct Extents: Hashable, Sendable {
  /// Slices.
  public var depth: Int
  /// Rows.
  public var height: Int
  /// Columns.
  public var width: Int

  /// Extents of three dimensions.
  @inlinable
  public init(_ depth: Int, _ height: Int, _ width: Int) {
    self.depth = depth
    self.height = height
    self.width = width
  }

  /// The same extent in every dimension.
  @inlinable
  public init(repeating extent: Int) { self.init(extent, extent, extent) }

  /// The extents of spatial dimensions, with 1 (or another neutral number) for those that are
  /// missing at the front.
  public init(spatial: some Collection<Int>, missing: Int = 1) {
    precondition(spatial.count <= 3)
    self.init(repeating: missing)
    for (index, extent) in spatial.enumerated() { self[3 - spatial.count + index] = extent }
  }

  /// Zero in every dimension.
  public static let zero = Extents(repeating: 0)

  /// One in every dimension.
  public static let one = Extents(repeating: 1)

  /// Depth × height × width.
  @inlinable
  public var volume: Int { depth * height * width }

  /// The extent of a dimension: 0 is the depth, 1 the height, 2 the width.
  @inlinable
  public subscript(axis: Int) -> Int {
    get {
      switch axis {
      case 0: return depth
      case 1: return height
      default:
        precondition(axis == 2, "There are three spatial dimensions.")
        return width
      }
    }
    set {
      switch axis {
      case 0: depth = newValue
      case 1: height = newValue
      default:
        precondition(axis == 2, "There are three spatial dimensions.")
        width = newValue
      }
    }
  }

  /// The least of the three.
  @inlinable
  public func min() -> Int { Swift.min(depth, height, width) }

  /// The greatest of the three.
  @inlinable
  public func max() -> Int { Swift.max(depth, height, width) }

  @inlinable
  package static func combine(
    _ left: Extents, _ right: Extents, _ function: (Int, Int) -> Int
  ) -> Extents {
    Extents(
      function(left.depth, right.depth), function(left.height, right.height),
      function(left.width, right.width))
  }
}

// MARK: - Arithmetic

extension Extents {
  /// Sums by dimension.
  @inlinable
  public static func + (left: Extents, right: Extents) -> Extents { combine(left, right, +) }

  /// Differences by dimension.
  @inlinable
  public static func - (left: Extents, right: Extents) -> Extents { combine(left, right, -) }

  /// Products by dimension.
  @inlinable
  public static func * (left: Extents, right: Extents) -> Extents { combine(left, right, *) }

  /// Quotients by dimension, rounded towards zero.
  @inlinable
  public static func / (left: Extents, right: Extents) -> Extents { combine(left, right, /) }

  /// Adds a number in every dimension.
  @inlinable
  public static func + (left: Extents, right: Int) -> Extents { left + Extents(repeating: right) }

  /// Subtracts a number in every dimension.
  @inlinable
  public static func - (left: Extents, right: Int) -> Extents { left - Extents(repeating: right) }

  /// Multiplies every dimension by a number.
  @inlinable
  public static func * (left: Extents, right: Int) -> Extents { left * Extents(repeating: right) }

  /// Multiplies every dimension by a number.
  @inlinable
  public static func * (left: Int, right: Extents) -> Extents { right * left }

  /// Divides every dimension by a number, rounding towards zero.
  @inlinable
  public static func / (left: Extents, right: Int) -> Extents { left / Extents(repeating: right) }
}

/// The lesser of two extents in each dimension.
@inlinable
package func pointwiseMin(_ left: Extents, _ right: Extents) -> Extents {
  Extents.combine(left, right, min)
}

/// The greater of two extents in each dimension.
@inlinable
package func pointwiseMax(_ left: Extents, _ right: Extents) -> Extents {
  Extents.combine(left, right, max)
}

extension Extents: CustomStringConvertible {
  /// Depth×height×width.
  public var description: String { "\(depth)×\(height)×\(width)" }
}
