#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A function of two numbers.
public enum ArithmeticFunction: String, Hashable, Sendable, Codable, CaseIterable {
  /// a + b
  case add
  /// a − b
  case subtract
  /// a · b
  case multiply
  /// a ∕ b
  case divide
  /// The larger.
  case maximum
  /// The smaller.
  case minimum
  /// a to the power b.
  case power

  /// The function of two numbers.
  public func callAsFunction(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: a > b ? a : b
    case .minimum: a < b ? a : b
    case .power: pow(a, b)
    }
  }

  var word: String? {
    switch self {
    case .add, .subtract, .multiply, .divide: rawValue
    case .maximum, .minimum, .power: nil
    }
  }

  var symbol: String {
    switch self {
    case .add: "+"
    case .subtract: "−"
    case .multiply: "×"
    case .divide: "÷"
    case .maximum: "max"
    case .minimum: "min"
    case .power: "^"
    }
  }
}
