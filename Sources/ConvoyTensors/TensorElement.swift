/// A Swift type whose values can be a tensor's elements: one for each `ElementType`.
///
/// Conversions between any two of them follow ONNX's `Cast`:
///
/// - To a float: the nearest value, ties to even; infinity beyond the largest.
/// - From a float to an integer: rounded toward zero. Values out of range are converted to the
///   nearest value in range, and NaN to 0 (ONNX defines neither).
/// - From an integer to an integer: the low bits are kept, so that 200 as `int8` is −56.
/// - To a truth value: whether it is not 0; NaN is true. From a truth value: 0 or 1.
public protocol TensorElement: BitwiseCopyable, Hashable, Sendable {
  /// The type at run time.
  static var type: ElementType { get }

  /// The unsigned integer type of an element's bits.
  associatedtype Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable

  /// The element with these bits; a truth value is true for any bits but 0.
  init(bits: Bits)
  /// The element's bits.
  var bits: Bits { get }

  /// Converts an integer.
  init(converting value: Int64)
  /// Converts an unsigned integer.
  init(converting value: UInt64)
  /// Converts a float.
  init(converting value: Double)

  /// The element as another type.
  func converted<Target: TensorElement>(to type: Target.Type) -> Target
}

// MARK: - Integers

/// The conversions that integer types share.
public protocol IntegerTensorElement: TensorElement, FixedWidthInteger {}

extension IntegerTensorElement {
  /// Keeps the low bits.
  @inlinable
  public init(converting value: Int64) { self.init(truncatingIfNeeded: value) }
  /// Keeps the low bits.
  @inlinable
  public init(converting value: UInt64) { self.init(truncatingIfNeeded: value) }
  /// Rounds toward zero, and limits the result to the type's range; 0 for NaN.
  @inlinable
  public init(converting value: Double) {
    if let exact = Self(exactly: value.rounded(.towardZero)) {
      self = exact
    } else {
      self = value.isNaN ? 0 : value < 0 ? .min : .max
    }
  }
  /// See `TensorElement`.
  @inlinable
  public func converted<Target: TensorElement>(to type: Target.Type) -> Target {
    Self.isSigned
      ? Target(converting: Int64(truncatingIfNeeded: self))
      : Target(converting: UInt64(truncatingIfNeeded: self))
  }
}

extension IntegerTensorElement where Self: UnsignedInteger {
  /// The element itself.
  @inlinable
  public init(bits: Self) { self = bits }
  /// The element itself.
  @inlinable
  public var bits: Self { self }
}

extension IntegerTensorElement where Self: SignedInteger, Bits == Magnitude {
  /// The element with these bits.
  @inlinable
  public init(bits: Bits) { self.init(truncatingIfNeeded: bits) }
  /// The element's bits.
  @inlinable
  public var bits: Bits { Bits(truncatingIfNeeded: self) }
}

extension UInt8: IntegerTensorElement {
  /// `uint8`.
  public static var type: ElementType { .uint8 }
}
extension UInt16: IntegerTensorElement {
  /// `uint16`.
  public static var type: ElementType { .uint16 }
}
extension UInt32: IntegerTensorElement {
  /// `uint32`.
  public static var type: ElementType { .uint32 }
}
extension UInt64: IntegerTensorElement {
  /// `uint64`.
  public static var type: ElementType { .uint64 }
}
extension Int8: IntegerTensorElement {
  /// The bits.
  public typealias Bits = UInt8
  /// `int8`.
  public static var type: ElementType { .int8 }
}
extension Int16: IntegerTensorElement {
  /// The bits.
  public typealias Bits = UInt16
  /// `int16`.
  public static var type: ElementType { .int16 }
}
extension Int32: IntegerTensorElement {
  /// The bits.
  public typealias Bits = UInt32
  /// `int32`.
  public static var type: ElementType { .int32 }
}
extension Int64: IntegerTensorElement {
  /// The bits.
  public typealias Bits = UInt64
  /// `int64`.
  public static var type: ElementType { .int64 }
}

// MARK: - Floats

extension Float: TensorElement {
  /// `float32`.
  public static var type: ElementType { .float32 }
  /// The float with these bits.
  @inlinable
  public init(bits: UInt32) { self.init(bitPattern: bits) }
  /// The float's bits.
  @inlinable
  public var bits: UInt32 { bitPattern }
  /// The nearest float.
  @inlinable
  public init(converting value: Int64) { self.init(value) }
  /// The nearest float.
  @inlinable
  public init(converting value: UInt64) { self.init(value) }
  /// The nearest float.
  @inlinable
  public init(converting value: Double) { self.init(value) }
  /// See `TensorElement`.
  @inlinable
  public func converted<Target: TensorElement>(to type: Target.Type) -> Target {
    Target(converting: Double(self))
  }
}

extension Double: TensorElement {
  /// `float64`.
  public static var type: ElementType { .float64 }
  /// The double with these bits.
  @inlinable
  public init(bits: UInt64) { self.init(bitPattern: bits) }
  /// The double's bits.
  @inlinable
  public var bits: UInt64 { bitPattern }
  /// The nearest double.
  @inlinable
  public init(converting value: Int64) { self.init(value) }
  /// The nearest double.
  @inlinable
  public init(converting value: UInt64) { self.init(value) }
  /// The same number.
  @inlinable
  public init(converting value: Double) { self = value }
  /// See `TensorElement`.
  @inlinable
  public func converted<Target: TensorElement>(to type: Target.Type) -> Target {
    Target(converting: self)
  }
}

// MARK: - Truth values

extension Bool: TensorElement {
  /// `bool`.
  public static var type: ElementType { .bool }
  /// Whether the byte is not 0.
  @inlinable
  public init(bits: UInt8) { self = bits != 0 }
  /// 0 or 1.
  @inlinable
  public var bits: UInt8 { self ? 1 : 0 }
  /// Whether the number is not 0.
  @inlinable
  public init(converting value: Int64) { self = value != 0 }
  /// Whether the number is not 0.
  @inlinable
  public init(converting value: UInt64) { self = value != 0 }
  /// Whether the number is not 0.
  @inlinable
  public init(converting value: Double) { self = value != 0 }
  /// See `TensorElement`.
  @inlinable
  public func converted<Target: TensorElement>(to type: Target.Type) -> Target {
    Target(converting: Int64(self ? 1 : 0))
  }
}
