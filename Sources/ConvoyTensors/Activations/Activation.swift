/// A function of one number and its derivative; each has a file in `Functions`.
///
/// Both formulas are written once, over any kind of number: the reference in Double, the lanes of
/// portable kernels and generated code all evaluate the same formulas. Values with few operations
/// are `@inline(__always)`: in the loops of portable kernels, a call would take as long as the
/// formula.
package protocol Activation: Hashable, Codable, Sendable {
  /// The name in saved graphs. Stored properties are saved under their own names.
  static var name: String { get }
  /// A short name for pictures and tables.
  var label: String { get }
  /// Up to two parameters of the formulas. Generated code reads them in each run, so that
  /// activations with different parameters share their code.
  var parameters: (Float, Float) { get }
  /// Checks the parameters.
  func validate() throws(ConvoyError)

  /// f(x), with the parameters p.
  static func value<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X
  /// f′(x); at a kink, the derivative from the left.
  static func derivative<X: FormulaNumber>(_ x: X, _ p: (X, X)) -> X

  // MARK: Compiled for one kind of number, by the extension below

  func value(at x: Double) -> Double
  func derivative(at x: Double) -> Double
  /// f(x) of 16 numbers.
  func value(at x: SIMD16<Float>) -> SIMD16<Float>
  func derivative(at x: SIMD16<Float>) -> SIMD16<Float>
  /// y = f(x) for consecutive vectors of 16 numbers; y may be the same memory as x.
  func apply(to x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, count: Int)
  /// y = f′(x) · g, likewise.
  ///
  /// - Parameter step: bytes from a vector of g to the next; 0 if it is the same for all.
  func applyDerivative(
    at x: UnsafeRawPointer, to g: UnsafeRawPointer, step: Int, into y: UnsafeMutableRawPointer,
    count: Int)
}

extension Activation {
  package var parameters: (Float, Float) { (0, 0) }

  package func validate() throws(ConvoyError) {}

  package func value(at x: Double) -> Double {
    Self.value(DoubleNumber(x), exactParameters).value
  }

  package func derivative(at x: Double) -> Double {
    Self.derivative(DoubleNumber(x), exactParameters).value
  }

  package func value(at x: SIMD16<Float>) -> SIMD16<Float> {
    Self.value(LaneNumber(x), laneParameters).value
  }

  package func derivative(at x: SIMD16<Float>) -> SIMD16<Float> {
    Self.derivative(LaneNumber(x), laneParameters).value
  }

  package func apply(to x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, count: Int) {
    let (p, bytes) = (laneParameters, MemoryLayout<SIMD16<Float>>.size)
    for index in 0..<count {
      let x = x.load(fromByteOffset: index * bytes, as: SIMD16<Float>.self)
      y.storeBytes(
        of: Self.value(LaneNumber(x), p).value, toByteOffset: index * bytes,
        as: SIMD16<Float>.self)
    }
  }

  package func applyDerivative(
    at x: UnsafeRawPointer, to g: UnsafeRawPointer, step: Int, into y: UnsafeMutableRawPointer,
    count: Int
  ) {
    let (p, bytes) = (laneParameters, MemoryLayout<SIMD16<Float>>.size)
    for index in 0..<count {
      let x = x.load(fromByteOffset: index * bytes, as: SIMD16<Float>.self)
      let g = g.load(fromByteOffset: index * step, as: SIMD16<Float>.self)
      y.storeBytes(
        of: Self.derivative(LaneNumber(x), p).value * g, toByteOffset: index * bytes,
        as: SIMD16<Float>.self)
    }
  }

  @inline(__always)
  private var exactParameters: (DoubleNumber, DoubleNumber) {
    (DoubleNumber(Double(parameters.0)), DoubleNumber(Double(parameters.1)))
  }

  @inline(__always)
  private var laneParameters: (LaneNumber, LaneNumber) {
    (LaneNumber(repeating: parameters.0), LaneNumber(repeating: parameters.1))
  }

  /// Whether another activation is of the same kind and has equal parameters.
  func isEqual(to other: any Activation) -> Bool { (other as? Self) == self }
}

/// The activations, each a type in a file of its name.
package enum Activations {
  /// All activations. A new one needs a file in `Functions` and a line here.
  package static let all: [any Activation.Type] = [
    ReLU.self,
    Clip.self,
    LeakyReLU.self,
    Sigmoid.self,
    Tanh.self,
    HardSigmoid.self,
    HardSwish.self,
    SiLU.self,
    GELU.self,
    Exponential.self,
    Logarithm.self,
    SquareRoot.self,
    Square.self,
    AbsoluteValue.self,
    Reciprocal.self,
    Affine.self,
    Step.self,
    ErrorFunction.self,
    Softplus.self,
    Softsign.self,
    ELU.self,
    Mish.self,
    ApproximateGELU.self,
    Power.self,
  ]
}
