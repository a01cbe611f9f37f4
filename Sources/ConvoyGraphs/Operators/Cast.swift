public import ConvoyTensors

// MARK: Attributes

/// The elements converted to another type.
///
/// Input: a tensor of any type. Output: the same shape; each element is converted by the rules of
/// `TensorElement`.
public struct Cast: Operator {
  /// See `Operator.name`.
  public static let name = "cast"
  /// The type of the output.
  public var type: ElementType

  /// Describes a conversion.
  public init(to type: ElementType) { self.type = type }

  // MARK: Shape and type

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    return inputs
  }

  /// Any type becomes the output's.
  public var types: TypeRule { TypeRule([Set(ElementType.allCases)], outputs: [type]) }

  // MARK: Gradient

  /// Between floats, the output's gradient converted to the input's type; none for integers and truth
  /// values.
  public func gradients(at site: GradientSite) -> [Value?] {
    let input = site.inputs[0].type
    return [input.isFloating && type.isFloating ? site.outputGradient.cast(to: input) : nil]
  }

  // MARK: Reference

  /// Each element converted; integers beyond 2⁵³ are not exact in Double.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let given = Tensor(doubles: inputs[0].elements, outputs[0])
    // Floats keep the precision of the reference; integers are converted from exact values.
    let typed = inputs[0].type.isFloating ? given : given.converted(to: inputs[0].type)
    return [ReferenceTensor(typed.converted(to: type))]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Element by element. Ranks exchange 32-bit floats: a share of channels is gathered before it
  /// is converted to another type.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    var traits = OperatorTraits.elementwise(.computes)
    if type != .float32 { traits.channels = .mixed }
    return traits
  }

  // MARK: Glyph

  /// `→ int64`.
  public var glyph: Glyph { Glyph("→ \(type)", .elementwise) }
}

// MARK: Building

extension Value {
  /// The elements as another type; the same value if they have it.
  public func cast(to type: ElementType) -> Value {
    self.type == type ? self : applying(Cast(to: type))
  }
}
