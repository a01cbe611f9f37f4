/// Numbers of 32 bits whose bits can be worked on. Elementary functions of them follow in `ElementaryFunctions`,
/// in as many steps for registers of generated code as for lanes in Swift.
package protocol VectorNumber: FormulaNumber {
  /// 32 bits, whatever number they are.
  func constant(bits: UInt32) -> Self
  /// Bit by bit.
  static func & (a: Self, b: Self) -> Self
  static func ^ (a: Self, b: Self) -> Self
  /// As integers, wrapping.
  static func &+ (a: Self, b: Self) -> Self
  static func &- (a: Self, b: Self) -> Self
  static func &<< (a: Self, count: Int) -> Self
  /// Keeps the sign.
  static func &>> (a: Self, count: Int) -> Self
  /// self · r² + c, in the order that suits the processor best: with fused multiply-adds (self · r) · r + c takes
  /// a register less, else self · (r · r) + c waits less.
  func times(squareOf r: Self, plus c: Self) -> Self
}

extension VectorNumber {
  /// The bits but for the sign.
  @inline(__always)
  package func absolute() -> Self { self & constant(bits: 0x7FFF_FFFF) }

  @inline(__always)
  package func exponentialMinusOne() -> Self { exponential() - 1 }

  @inline(__always)
  package func logarithmOfOnePlus() -> Self { (1 + self).logarithm() }
}
