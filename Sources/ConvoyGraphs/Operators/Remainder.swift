public import ConvoyTensors

// MARK: Attributes

/// What is left of one tensor's elements when they are divided by another's, with broadcasting.
///
/// Inputs: two tensors of numbers of one type. Output: the same type. An integer's remainder by 0
/// is 0.
public struct Remainder: TypedOperator {
  /// See `Operator.name`.
  public static let name = "remainder"
  /// Whether quotients are rounded toward zero, so that a remainder has the dividend's sign, as in
  /// C. Otherwise they are rounded down, and it has the divisor's, as in Python.
  public var isTruncating: Bool

  /// Describes a remainder.
  public init(isTruncating: Bool) { self.isTruncating = isTruncating }

  // MARK: Shape and type

  /// The broadcast of both shapes.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    return [try inputs[0].broadcast(with: inputs[1])]
  }

  /// Numbers of one type, which is kept.
  public var types: TypeRule { .kept(.numbers) }

  // MARK: Gradient

  /// Of floats: the remainder is a − q·b with a constant quotient q.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (a, b, gradient) = (site.inputs[0], site.inputs[1], site.outputGradient)
    guard a.type == .float32 else { return [nil, nil] }
    return [
      site.isNeeded[0] ? gradient.summed(to: a.shape) : nil,
      site.isNeeded[1] ? (gradient * (site.outputs[0] - a) / b).summed(to: b.shape) : nil,
    ]
  }

  // MARK: Definition

  /// One loop over the outputs.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let loop = Loop(isTruncating: isTruncating, inputs: inputs, shape: outputs[0].shape)
    return [inputs[0].type.applyToNumber(loop)]
  }

  private struct Loop: NumberFunction {
    let isTruncating: Bool
    let inputs: [Tensor]
    let shape: Shape

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      inputs.combined(to: shape, as: type) {
        isTruncating ? Number.remainder($0, $1) : Number.modulus($0, $1)
      }
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Element by element.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// `mod`, or `fmod` where quotients are rounded toward zero.
  public var glyph: Glyph { Glyph(isTruncating ? "fmod" : "mod", .elementwise) }
}
