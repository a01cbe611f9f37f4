#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// An element that operators compute with: an integer, or a float of 32 or 64 bits.
///
/// Integers wrap around where a result does not fit, and have ONNX's division, which rounds toward
/// zero. Half-precision floats are computed as `Float`.
public protocol NumberElement: TensorElement, Comparable, Numeric {
  /// a + b; integers wrap around.
  static func sum(_ a: Self, _ b: Self) -> Self
  /// a − b; integers wrap around.
  static func difference(_ a: Self, _ b: Self) -> Self
  /// a · b; integers wrap around.
  static func product(_ a: Self, _ b: Self) -> Self
  /// a ∕ b; integers are rounded toward zero, and 0 where b is 0.
  static func quotient(_ a: Self, _ b: Self) -> Self
  /// What is left of a when it is divided by b, with the sign of a; of integers 0 where b is 0.
  static func remainder(_ a: Self, _ b: Self) -> Self
  /// a to the power b; integers wrap around, and those to a negative power are rounded toward zero.
  static func power(_ a: Self, _ b: Self) -> Self
  /// Whether the element is not a number.
  var isNotANumber: Bool { get }
  /// Below every other element: −∞, or the smallest integer.
  static var lowest: Self { get }
  /// Above every other element: ∞, or the largest integer.
  static var highest: Self { get }
}

extension NumberElement where Self: FixedWidthInteger {
  /// See `NumberElement`.
  @inlinable
  public static func sum(_ a: Self, _ b: Self) -> Self { a &+ b }
  /// See `NumberElement`.
  @inlinable
  public static func difference(_ a: Self, _ b: Self) -> Self { a &- b }
  /// See `NumberElement`.
  @inlinable
  public static func product(_ a: Self, _ b: Self) -> Self { a &* b }
  /// See `NumberElement`.
  @inlinable
  public static func quotient(_ a: Self, _ b: Self) -> Self {
    b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
  }
  /// See `NumberElement`.
  @inlinable
  public static func remainder(_ a: Self, _ b: Self) -> Self {
    b == 0 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue
  }
  /// See `NumberElement`.
  @inlinable
  public static func power(_ a: Self, _ b: Self) -> Self {
    if b < 0 {
      // Only powers of 1 and −1 are not fractions.
      return a == 1 || a &+ 1 == 0 ? (b & 1 == 0 ? 1 : a) : 0
    }
    var (result, square, rest): (Self, Self, Self) = (1, a, b)
    while rest > 0 {
      if rest & 1 == 1 { result &*= square }
      square &*= square
      rest >>= 1
    }
    return result
  }
  /// False.
  @inlinable
  public var isNotANumber: Bool { false }
  /// See `NumberElement`.
  @inlinable
  public static var lowest: Self { .min }
  /// See `NumberElement`.
  @inlinable
  public static var highest: Self { .max }
}

extension NumberElement where Self: BinaryFloatingPoint {
  /// See `NumberElement`.
  @inlinable
  public static func sum(_ a: Self, _ b: Self) -> Self { a + b }
  /// See `NumberElement`.
  @inlinable
  public static func difference(_ a: Self, _ b: Self) -> Self { a - b }
  /// See `NumberElement`.
  @inlinable
  public static func product(_ a: Self, _ b: Self) -> Self { a * b }
  /// See `NumberElement`.
  @inlinable
  public static func quotient(_ a: Self, _ b: Self) -> Self { a / b }
  /// See `NumberElement`.
  @inlinable
  public static func remainder(_ a: Self, _ b: Self) -> Self {
    a.truncatingRemainder(dividingBy: b)
  }
  /// C's `pow` of doubles, rounded.
  public static func power(_ a: Self, _ b: Self) -> Self { Self(pow(Double(a), Double(b))) }
  /// See `NumberElement`.
  @inlinable
  public var isNotANumber: Bool { isNaN }
  /// See `NumberElement`.
  @inlinable
  public static var lowest: Self { -.infinity }
  /// See `NumberElement`.
  @inlinable
  public static var highest: Self { .infinity }
}

extension NumberElement {
  /// What is left of a when it is divided by b, with the sign of b, as in Python; of integers 0 where
  /// b is 0.
  @inlinable
  public static func modulus(_ a: Self, _ b: Self) -> Self {
    let rest = remainder(a, b)
    return rest != 0 && (rest < 0) != (b < 0) ? sum(rest, b) : rest
  }
}

extension Int8: NumberElement {}
extension UInt8: NumberElement {}
extension Int16: NumberElement {}
extension UInt16: NumberElement {}
extension Int32: NumberElement {}
extension UInt32: NumberElement {}
extension Int64: NumberElement {}
extension UInt64: NumberElement {}
extension Float: NumberElement {}
extension Double: NumberElement {}

/// A generic function of a type of numbers, for `ElementType.applyToNumber`.
public protocol NumberFunction {
  /// The function's result.
  associatedtype Result
  /// The function for one type.
  func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Result
}

extension ElementType {
  /// Calls a function with the Swift type of a number, specialised for each.
  ///
  /// - Precondition: the type is an integer type, float32 or float64.
  @inlinable
  public func applyToNumber<Function: NumberFunction>(_ function: Function) -> Function.Result {
    switch self {
    case .float32: function(Float.self)
    case .float64: function(Double.self)
    case .int8: function(Int8.self)
    case .uint8: function(UInt8.self)
    case .int16: function(Int16.self)
    case .uint16: function(UInt16.self)
    case .int32: function(Int32.self)
    case .uint32: function(UInt32.self)
    case .int64: function(Int64.self)
    case .uint64: function(UInt64.self)
    case .float16, .bfloat16, .bool:
      preconditionFailure("Nothing is computed in \(self).")
    }
  }
}
