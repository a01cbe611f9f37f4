public import ConvoyTensors

// MARK: Attributes

/// A comparison of two tensors, element by element, with broadcasting.
///
/// Inputs: two tensors of numbers of one type, or of truth values where they are tested for
/// equality. Output: truth values of the broadcast of both shapes. What is not a number compares as
/// false.
public struct Comparison: TypedOperator {
  /// What is asked of two elements.
  public enum Relation: String, Hashable, Sendable, Codable, CaseIterable {
    /// a = b
    case equal
    /// a < b
    case less
    /// a ≤ b
    case lessOrEqual
    /// a > b
    case greater
    /// a ≥ b
    case greaterOrEqual

    var symbol: String {
      switch self {
      case .equal: "="
      case .less: "<"
      case .lessOrEqual: "≤"
      case .greater: ">"
      case .greaterOrEqual: "≥"
      }
    }

    @inline(__always)
    fileprivate func holds<Element: Comparable>(_ a: Element, _ b: Element) -> Bool {
      switch self {
      case .equal: a == b
      case .less: a < b
      case .lessOrEqual: a <= b
      case .greater: a > b
      case .greaterOrEqual: a >= b
      }
    }
  }

  /// See `Operator.name`.
  public static let name = "comparison"
  /// What is asked.
  public var relation: Relation

  /// Describes a comparison.
  public init(_ relation: Relation) { self.relation = relation }

  // MARK: Shape and type

  /// The broadcast of both shapes.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    return [try inputs[0].broadcast(with: inputs[1])]
  }

  /// Numbers of one type become truth values.
  public var types: TypeRule {
    TypeRule(
      [relation == .equal ? .numbers.union([.bool]) : .numbers], isUniform: true, outputs: [.bool])
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  // MARK: Definition

  /// One loop over the outputs.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let shape = outputs[0].shape
    if inputs[0].type == .bool {
      return [inputs.combined(to: shape, as: Bool.self) { $0 == $1 }]
    }
    return [inputs[0].type.applyToNumber(Loop(relation: relation, inputs: inputs, shape: shape))]
  }

  private struct Loop: NumberFunction {
    let relation: Relation
    let inputs: [Tensor]
    let shape: Shape

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      inputs.combined(to: shape, as: type) { relation.holds($0, $1) }
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Element by element, but ranks exchange 32-bit floats only: a share of channels is gathered
  /// before it is compared.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    var traits = OperatorTraits.elementwise(.computes)
    traits.channels = .mixed
    return traits
  }

  // MARK: Glyph

  /// The relation's symbol.
  public var glyph: Glyph { Glyph(relation.symbol, .elementwise) }
}

// MARK: Building

extension Value {
  /// Compares with another value, element by element, with broadcasting.
  public func compared(_ relation: Comparison.Relation, to other: Value) -> Value {
    applying(Comparison(relation), [other])
  }
}
