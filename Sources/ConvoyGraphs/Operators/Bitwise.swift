public import ConvoyTensors

// MARK: Attributes

/// A function of the bits of two tensors, element by element, with broadcasting.
///
/// Inputs: two tensors of truth values, or of integers of one type. Output: the same type. A shift
/// by more bits than there are, or by a negative number, moves all of them out.
public struct Bitwise: TypedOperator {
  /// The function of two elements.
  public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
    /// Bits that are set in both.
    case and
    /// Bits that are set in one or both.
    case or
    /// Bits that are set in one only.
    case exclusiveOr
    /// The first's bits, moved to the left by the second's number.
    case shiftLeft
    /// The first's bits, moved to the right by the second's number; the sign is kept.
    case shiftRight

    var symbol: String {
      switch self {
      case .and: "and"
      case .or: "or"
      case .exclusiveOr: "xor"
      case .shiftLeft: "<<"
      case .shiftRight: ">>"
      }
    }

    @inline(__always)
    fileprivate func callAsFunction<Bits: FixedWidthInteger>(_ a: Bits, _ b: Bits) -> Bits {
      switch self {
      case .and: a & b
      case .or: a | b
      case .exclusiveOr: a ^ b
      case .shiftLeft: a << b
      case .shiftRight: a >> b
      }
    }

    fileprivate var isShift: Bool { self == .shiftLeft || self == .shiftRight }
  }

  /// See `Operator.name`.
  public static let name = "bitwise"
  /// The function.
  public var function: Function

  /// Describes a function of bits.
  public init(_ function: Function) { self.function = function }

  // MARK: Shape and type

  /// The broadcast of both shapes.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    return [try inputs[0].broadcast(with: inputs[1])]
  }

  /// Integers, and truth values but for shifts.
  public var types: TypeRule {
    .kept(function.isShift ? .integers : Set<ElementType>.integers.union([.bool]))
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  // MARK: Definition

  /// One loop over the outputs.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [inputs[0].type.apply(Loop(function: function, inputs: inputs, shape: outputs[0].shape))]
  }

  private struct Loop: TypedFunction {
    let function: Function
    let inputs: [Tensor]
    let shape: Shape

    func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Tensor {
      let keepsSign = function == .shiftRight && Element.type.isSigned
      return inputs.combined(to: shape, as: type) { a, b in
        // Ones come in from the left where the inverted bits are moved.
        keepsSign && a.bits.leadingZeroBitCount == 0
          ? Element(bits: ~function(~a.bits, b.bits)) : Element(bits: function(a.bits, b.bits))
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

  /// The function's symbol.
  public var glyph: Glyph { Glyph(function.symbol, .elementwise) }
}

// MARK: Building

extension Value {
  /// A function of these bits and another value's, element by element, with broadcasting.
  public func bitwise(_ function: Bitwise.Function, _ other: Value) -> Value {
    applying(Bitwise(function), [other])
  }

  /// All bits inverted: whether a truth value is false.
  ///
  /// - Precondition: the value has truth values or integers.
  public func inverted() -> Value {
    let ones = type.apply(AllBits())
    return bitwise(.exclusiveOr, builder.constant(ones, name: "ones"))
  }
}

/// A scalar of a type whose bits are all set.
private struct AllBits: TypedFunction {
  func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Tensor {
    Tensor(known: [], [Element(bits: type == Bool.self ? 1 : .max)])
  }
}
