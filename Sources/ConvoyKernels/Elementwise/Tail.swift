package import ConvoyTensors
import ConvoyTiles

/// An epilogue: what a convolution does to each sum before it stores it, in place of a separate
/// kernel.
package struct Tail: Hashable, Sendable {
  /// The function that is applied, if any.
  package var function: ScalarFunction?

  /// An epilogue with a function, if any.
  package init(_ function: ScalarFunction? = nil) { self.function = function }
}

extension TileTail {
  /// The epilogue in generated code.
  init(_ tail: Tail) { self.init(tail.function) }
}
