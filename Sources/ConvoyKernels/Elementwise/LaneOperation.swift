package import ConvoyTensors

/// The function of one or two numbers that an elementwise kernel computes.
package enum LaneOperation: Hashable, Sendable {
  /// f(x)
  case function(ScalarFunction)
  /// f′(x)·g
  case derivative(ScalarFunction)
  /// a + b
  case add
  /// a − b
  case subtract
  /// a · b
  case multiply
  /// a ∕ b
  case divide
  /// The larger operand; b where they are equal.
  case maximum
  /// The smaller operand; b where they are equal.
  case minimum
  /// a to the power b.
  case power
  /// a where positive, otherwise b · a.
  case leak

  /// Runs a body with the operation on 16 numbers; the function is dispatched once for the whole
  /// body.
  @inline(__always)
  func withLanes(_ body: (_ compute: (_ a: Lanes, _ b: Lanes) -> Lanes) -> Void) {
    switch self {
    case .function(let function):
      let activation = function.activation
      body { a, _ in activation.value(at: a) }
    case .derivative(let function):
      let activation = function.activation
      body { activation.derivative(at: $0) * $1 }
    default: body { arithmetic($0, $1) }
    }
  }

  @inline(__always)
  private func arithmetic(_ a: Lanes, _ b: Lanes) -> Lanes {
    switch self {
    case .function, .derivative: return a
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .divide: return a / b
    case .maximum: return b.replacing(with: a, where: a .> b)
    case .minimum: return b.replacing(with: a, where: a .< b)
    case .power: return LaneMath.power(a, b)
    case .leak: return (a * b).replacing(with: a, where: a .> 0)
    }
  }
}
