/// The elements that a dropout keeps in one step of training: a function of stream, step and index
/// alone, so that the result does not depend on the order of the work or the number of threads.
public struct DropoutMask: Hashable, Sendable {
  /// The key of the step's random numbers.
  public let key: UInt64
  /// The number of the smallest random numbers, of 24 bits, whose elements are dropped.
  @usableFromInline let dropped: UInt64

  /// A mask with a given key.
  ///
  /// - Parameter rate: the fraction of the elements that is dropped, from 0 to 1.
  @inlinable
  public init(key: UInt64, rate: Float) {
    self.init(key: key, dropped: UInt64((rate * 0x1p24).rounded(.up)))
  }

  /// The mask of one step.
  ///
  /// - Parameters:
  ///   - stream: the stream of random numbers; each layer has its own.
  ///   - step: the training step; see `key(stream:step:)`.
  ///   - rate: the fraction of the elements that is dropped, from 0 to 1.
  @inlinable
  public init(stream: UInt64, step: Int, rate: Float) {
    self.init(key: DropoutMask.key(stream: stream, step: step), rate: rate)
  }

  @usableFromInline
  init(key: UInt64, dropped: UInt64) {
    self.key = key
    self.dropped = dropped
  }

  /// The key of a stream's random numbers in one step.
  ///
  /// A negative step counts as 0.
  @inlinable
  public static func key(stream: UInt64, step: Int) -> UInt64 {
    Random.hash(stream &+ UInt64(max(0, step)) &* Random.goldenGamma)
  }

  /// Whether the element with a row-major index is kept: whether its random number, a multiple of
  /// 2⁻²⁴ in 0..<1, is at least the rate.
  @inlinable
  public func isKept(_ index: Int) -> Bool {
    Random.hash(key &+ UInt64(truncatingIfNeeded: index)) >> 40 >= dropped
  }

  /// All bits set where the element with a row-major index is kept, otherwise none: `isKept`
  /// without a branch, which would be mispredicted for about half of the elements.
  @inlinable
  public func bits(_ index: Int) -> UInt32 {
    let number = Random.hash(key &+ UInt64(truncatingIfNeeded: index)) >> 40
    return UInt32(truncatingIfNeeded: (number &- dropped) >> 63) &- 1
  }
}
