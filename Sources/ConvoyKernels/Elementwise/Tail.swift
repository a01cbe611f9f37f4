package import ConvoyTensors
import ConvoyTiles

/// What a convolution does to each sum before it writes it, in place of a kernel of its own.
package struct Tail: Hashable, Sendable {
  /// The function applied, if any.
  package var function: ScalarFunction?

  /// Describes a tail.
  package init(_ function: ScalarFunction? = nil) { self.function = function }
}

extension TileTail {
  /// The tail of a convolution in generated code.
  init(_ tail: Tail) { self.init(tail.function) }
}
