import ConvoyTensors

/// The function of an epilogue in plain Swift. The function is dispatched once, not for every
/// pixel.
struct LaneFunction: Equatable, Sendable {
  private let function: ScalarFunction?
  private let isIdentity: Bool
  /// The epilogue's function; an arbitrary one if it has none, so that the property is not
  /// optional.
  private let activation: any Activation

  init(_ function: ScalarFunction?) {
    self.function = function
    isIdentity = function == nil
    activation = (function ?? .relu).activation
  }

  static func == (a: LaneFunction, b: LaneFunction) -> Bool { a.function == b.function }

  /// The function of 16 numbers.
  @inline(__always)
  func callAsFunction(_ x: Lanes) -> Lanes { isIdentity ? x : activation.value(at: x) }

  /// Applies the function to adjacent pixels.
  @inline(__always)
  func apply(to pixels: UnsafeMutablePointer<Float>, count: Int) {
    if !isIdentity { activation.apply(to: pixels, into: pixels, count: count) }
  }
}
