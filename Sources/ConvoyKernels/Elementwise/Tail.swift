public import ConvoyTensors
import ConvoyTiles

/// What a convolution does to each sum before it writes it, in place of a kernel of its own.
public struct Tail: Hashable, Sendable {
  /// The function applied, if any.
  public var function: ScalarFunction?

  /// Describes a tail.
  public init(_ function: ScalarFunction? = nil) { self.function = function }
}

extension TileTail {
  /// The tail of a convolution in generated code.
  init(_ tail: Tail) { self.init(tail.function) }
}
