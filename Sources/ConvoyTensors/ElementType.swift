/// A type of the elements of a tensor, a file or a graph's value.
///
/// The names of types in a file format are an extension in that format's module.
public enum ElementType: String, Hashable, Sendable, Codable, CaseIterable {
  /// IEEE 754 binary32, the default.
  case float32
  /// IEEE 754 binary16.
  case float16
  /// The upper half of a `float32`: its range with 8 significant bits.
  case bfloat16
  /// IEEE 754 binary64.
  case float64
  /// Integers of 8 bits, from −2⁷.
  case int8
  /// Integers of 8 bits, from 0.
  case uint8
  /// Integers of 16 bits, from −2¹⁵.
  case int16
  /// Integers of 16 bits, from 0.
  case uint16
  /// Integers of 32 bits, from −2³¹.
  case int32
  /// Integers of 32 bits, from 0.
  case uint32
  /// Integers of 64 bits, from −2⁶³.
  case int64
  /// Integers of 64 bits, from 0.
  case uint64
  /// Truth values: a byte that is 0 or 1.
  case bool

  /// The size of one element, in bytes.
  public var size: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Whether the type is one of the four floating-point types.
  public var isFloating: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    case .bool, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64: false
    }
  }

  /// Whether the type is an integer type; `bool` is not.
  public var isInteger: Bool { !isFloating && self != .bool }

  /// Whether the type has negative numbers.
  public var isSigned: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .float16, .bfloat16, .float32, .float64: true
    case .bool, .uint8, .uint16, .uint32, .uint64: false
    }
  }

  /// The Swift type that holds one element.
  public var swiftType: any TensorElement.Type {
    switch self {
    case .float32: Float.self
    case .float16: Half.self
    case .bfloat16: BFloat16.self
    case .float64: Double.self
    case .int8: Int8.self
    case .uint8: UInt8.self
    case .int16: Int16.self
    case .uint16: UInt16.self
    case .int32: Int32.self
    case .uint32: UInt32.self
    case .int64: Int64.self
    case .uint64: UInt64.self
    case .bool: Bool.self
    }
  }
}

extension ElementType: CustomStringConvertible {
  /// The type's name: `float32`.
  public var description: String { rawValue }
}
