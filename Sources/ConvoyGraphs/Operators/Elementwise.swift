public import ConvoyTensors

// MARK: - Elementwise

/// A function of one number, applied to every element.
///
/// Input: a tensor of any shape. Output: the same shape.
public struct Elementwise: Operator {
  /// See `Operator.name`.
  public static let name = "elementwise"
  /// The function.
  public var function: ScalarFunction

  /// Applies a function.
  public init(_ function: ScalarFunction) { self.function = function }

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try function.validate()
    return inputs
  }

  /// f′(x) times the output's gradient.
  public func gradients(at site: GradientSite) -> [Value?] {
    if function == .step { return [nil] }
    let gradient = ElementwiseGradient(function)
    return [site.inputs[0].applying(gradient, [site.outputGradient])]
  }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    [ReferenceTensor(outputs[0], inputs[0].elements.map { function($0) })]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .function(function) }

  /// Element by element; x ↦ 1·x + 0 is the identity.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(function == .affine(scale: 1, offset: 0) ? .nothing : .computes)
  }

  /// The same function.
  public func transposedForm(places: [Int]) -> TransposedForm? { TransposedForm(self, places) }

  // MARK: Glyph

  /// The function's label.
  public var glyph: Glyph { Glyph(function.label, .elementwise) }
}

// MARK: - ElementwiseGradient

/// The gradient of `Elementwise`.
///
/// Inputs: x and the gradient g, of one shape. Output: g·f′(x).
public struct ElementwiseGradient: Operator {
  /// See `Operator.name`.
  public static let name = "elementwiseGradient"
  /// The function that is differentiated.
  public var function: ScalarFunction

  /// The gradient of a function.
  public init(_ function: ScalarFunction) { self.function = function }

  /// The shape of both.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    guard inputs[0] == inputs[1] else {
      throw ConvoyError(.shape, "expected two equal shapes, got \(inputs[0]) and \(inputs[1])")
    }
    return [inputs[0]]
  }

  /// None: there are no second derivatives of activations.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let products = zip(inputs[0].elements, inputs[1].elements).map {
      function.derivative($0) * $1
    }
    return [ReferenceTensor(outputs[0], products)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Element by element.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// The function's label with a prime.
  public var glyph: Glyph { Glyph("\(function.label)′", .elementwise) }
}

// MARK: - Building

extension Value {
  /// Applies a function to every element.
  public func applying(_ function: ScalarFunction) -> Value { applying(Elementwise(function)) }

  /// max(x, 0)
  public func relu() -> Value { applying(.relu) }
  /// x limited to 0…6.
  public func relu6() -> Value { applying(.clip(low: 0, high: 6)) }
  /// x limited to a range.
  public func clipped(to range: ClosedRange<Float>) -> Value {
    applying(.clip(low: range.lowerBound, high: range.upperBound))
  }
  /// x where positive, otherwise slope·x.
  public func leakyReLU(slope: Float = 0.01) -> Value { applying(.leakyReLU(slope: slope)) }
  /// 1 ∕ (1 + e⁻ˣ)
  public func sigmoid() -> Value { applying(.sigmoid) }
  /// The hyperbolic tangent.
  public func tanh() -> Value { applying(.tanh) }
  /// x ∕ 6 + ½ limited to 0…1.
  public func hardSigmoid() -> Value { applying(.hardSigmoid(slope: 1 / 6, offset: 0.5)) }
  /// x · clip(x + 3, 0, 6) ∕ 6
  public func hardSwish() -> Value { applying(.hardSwish) }
  /// x · sigmoid(x)
  public func silu() -> Value { applying(.silu) }
  /// x · Φ(x)
  public func gelu() -> Value { applying(.gelu) }
  /// eˣ
  public func exponential() -> Value { applying(.exponential) }
  /// The natural logarithm.
  public func logarithm() -> Value { applying(.logarithm) }
  /// √x
  public func squareRoot() -> Value { applying(.squareRoot) }
  /// scale·x + offset
  public func scaled(by scale: Float, offset: Float = 0) -> Value {
    applying(.affine(scale: scale, offset: offset))
  }
  /// −x
  public static prefix func - (x: Value) -> Value { x.scaled(by: -1) }
}
