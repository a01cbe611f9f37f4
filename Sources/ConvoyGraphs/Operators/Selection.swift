public import ConvoyTensors

// MARK: Attributes

/// For each position, the element of the first tensor where a condition holds, and that of the
/// second elsewhere, with broadcasting.
///
/// Inputs: two tensors of one type, and a condition of truth values. Output: the broadcast of all
/// three shapes, of the tensors' type.
public struct Selection: TypedOperator {
  /// See `Operator.name`.
  public static let name = "selection"

  /// Describes a selection.
  public init() {}

  // MARK: Shape and type

  /// The broadcast of all shapes.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 3...3)
    return [try inputs[0].broadcast(with: inputs[1]).broadcast(with: inputs[2])]
  }

  /// Two tensors of any type, which is kept, and truth values.
  public var types: TypeRule {
    TypeRule([.all, .all, [.bool]], isUniform: true, separate: [2], outputs: [nil])
  }

  // MARK: Gradient

  /// Each tensor gets the output's gradient where it is selected, and 0 elsewhere.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (condition, gradient) = (site.inputs[2], site.outputGradient)
    guard site.inputs[0].type == .float32 else { return [nil, nil, nil] }
    let zero = gradient.builder.scalar(0)
    return [
      site.isNeeded[0]
        ? gradient.selected(where: condition, else: zero).summed(to: site.inputs[0].shape) : nil,
      site.isNeeded[1]
        ? zero.selected(where: condition, else: gradient).summed(to: site.inputs[1].shape) : nil,
      nil,
    ]
  }

  // MARK: Definition

  /// One loop over the outputs.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [inputs[0].type.apply(Loop(inputs: inputs, shape: outputs[0].shape))]
  }

  private struct Loop: TypedFunction {
    let inputs: [Tensor]
    let shape: Shape

    func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Tensor {
      let (a, b) = (inputs[0].spread(to: shape, as: type), inputs[1].spread(to: shape, as: type))
      let condition = inputs[2].spread(to: shape, as: Bool.self)
      return Tensor(
        known: shape, zip(condition, zip(a, b)).map { isFirst, pair in isFirst ? pair.0 : pair.1 })
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

  /// `select`.
  public var glyph: Glyph { Glyph("select", .elementwise) }
}

// MARK: Building

extension Value {
  /// This value's elements where a condition holds, and another's elsewhere, with broadcasting.
  public func selected(where condition: Value, else other: Value) -> Value {
    applying(Selection(), [other, condition])
  }
}
