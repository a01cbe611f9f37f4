public import ConvoyTensors

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
  @inline(__always)
  public func callAsFunction<Number: NumberElement>(_ a: Number, _ b: Number) -> Number {
    switch self {
    case .add: Number.sum(a, b)
    case .subtract: Number.difference(a, b)
    case .multiply: Number.product(a, b)
    case .divide: Number.quotient(a, b)
    case .maximum: a > b ? a : b
    case .minimum: a < b ? a : b
    case .power: Number.power(a, b)
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
