/// Which elements a dropout keeps in one step of training: a function of stream, step and index alone, so
/// that neither the order of the work nor the number of threads matters.
public struct DropoutMask: Hashable, Sendable {
  /// What the step's random numbers are made from.
  public let key: UInt64
  /// The random numbers, of 24 bits, that are too small for their element to be kept.
  @usableFromInline let dropped: UInt64

  /// Makes a mask from a key.
  ///
  /// - Parameter rate: the part of the elements that is dropped, from 0 to 1.
  @inlinable
  public init(key: UInt64, rate: Float) {
    self.init(key: key, dropped: UInt64((rate * 0x1p24).rounded(.up)))
  }

  /// Makes the mask of one step.
  ///
  /// - Parameters:
  ///   - stream: which random numbers; each layer has its own.
  ///   - step: the training step; see `key(stream:step:)`.
  ///   - rate: the part of the elements that is dropped, from 0 to 1.
  @inlinable
  public init(stream: UInt64, step: Int, rate: Float) {
    self.init(key: DropoutMask.key(stream: stream, step: step), rate: rate)
  }

  @usableFromInline
  init(key: UInt64, dropped: UInt64) {
    self.key = key
    self.dropped = dropped
  }

  /// What one step's random numbers of a stream are made from.
  ///
  /// A negative step counts as 0.
  @inlinable
  public static func key(stream: UInt64, step: Int) -> UInt64 {
    Random.hash(stream &+ UInt64(max(0, step)) &* Random.goldenGamma)
  }

  /// Whether the element of a row-major index is kept: whether its random number, a multiple of 2⁻²⁴
  /// from 0 up to, but not including, 1, is at least the rate.
  @inlinable
  public func isKept(_ index: Int) -> Bool {
    Random.hash(key &+ UInt64(truncatingIfNeeded: index)) >> 40 >= dropped
  }

  /// All bits set where the element of a row-major index is kept, else none: what `isKept` says, without a
  /// branch, which would be mispredicted for about half of the elements.
  @inlinable
  public func bits(_ index: Int) -> UInt32 {
    let number = Random.hash(key &+ UInt64(truncatingIfNeeded: index)) >> 40
    return UInt32(truncatingIfNeeded: (number &- dropped) >> 63) &- 1
  }
}
