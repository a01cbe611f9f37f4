/// Numbers of 32 bits with operations on their bits. From these, `ElementaryFunctions` composes
/// elementary functions, in the same steps for registers of generated code as for lanes in Swift.
package protocol VectorNumber: FormulaNumber {
  /// A number with the given 32 bits.
  func constant(bits: UInt32) -> Self
  /// Bit by bit.
  static func & (a: Self, b: Self) -> Self
  static func ^ (a: Self, b: Self) -> Self
  /// Addition as integers, wrapping.
  static func &+ (a: Self, b: Self) -> Self
  static func &- (a: Self, b: Self) -> Self
  static func &<< (a: Self, count: Int) -> Self
  /// A shift that preserves the sign.
  static func &>> (a: Self, count: Int) -> Self
  /// self · r² + c, in the order that is best for the processor: with fused multiply-adds, (self ·
  /// r) · r + c uses a register less; without, self · (r · r) + c has a shorter chain of dependent
  /// operations.
  func times(squareOf r: Self, plus c: Self) -> Self
}

extension VectorNumber {
  /// All bits except the sign.
  @inline(__always)
  package func absolute() -> Self { self & constant(bits: 0x7FFF_FFFF) }

  @inline(__always)
  package func exponentialMinusOne() -> Self { exponential() - 1 }

  @inline(__always)
  package func logarithmOfOnePlus() -> Self { (1 + self).logarithm() }
}
