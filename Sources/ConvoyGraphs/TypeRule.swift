public import ConvoyTensors

/// The static description of a value: its extents and the type of its elements.
public struct TensorType: Hashable, Sendable {
  /// The extents.
  public var shape: Shape
  /// The type of the elements.
  public var type: ElementType

  /// A shape and a type.
  public init(_ shape: Shape, _ type: ElementType = .float32) {
    self.shape = shape
    self.type = type
  }

  /// The size of all elements, in bytes.
  public var byteCount: Int { shape.elementCount * type.size }
}

extension TensorType: CustomStringConvertible {
  /// The extents, and the type unless it is float32: `4×10`, `4 of int64`.
  public var description: String { type == .float32 ? "\(shape)" : "\(shape) of \(type)" }
}

/// The types of elements that an operator accepts, and those of its outputs.
public struct TypeRule: Hashable, Sendable {
  /// The types that each input may have. Inputs beyond the last entry have that entry's types.
  public var inputs: [Set<ElementType>]
  /// Whether all inputs but the separate ones must have the same type.
  public var isUniform: Bool
  /// The indices of inputs with a type of their own, such as conditions.
  public var separate: Set<Int>
  /// The type of each output; nil is that of the first input that is not separate. Outputs beyond
  /// the last entry have that entry's type.
  public var outputs: [ElementType?]

  /// A rule of given types.
  public init(
    _ inputs: [Set<ElementType>], isUniform: Bool = false, separate: Set<Int> = [],
    outputs: [ElementType?]
  ) {
    precondition(!inputs.isEmpty && !outputs.isEmpty, "A type rule says something of each side.")
    self.inputs = inputs
    self.isUniform = isUniform
    self.separate = separate
    self.outputs = outputs
  }

  /// Inputs and outputs are 32-bit floats.
  public static let float32 = TypeRule([[.float32]], outputs: [.float32])

  /// Inputs of the same type, which is any type; outputs have that type: for operators that only
  /// move elements.
  public static let anyKept = kept(Set(ElementType.allCases))

  /// Inputs of the same type, one of several; outputs have that type.
  public static func kept(_ types: Set<ElementType>) -> TypeRule {
    TypeRule([types], isUniform: true, outputs: [nil])
  }

  /// The types of an operator's outputs.
  ///
  /// - Throws: `ConvoyError` of kind `.type` when an input is of a type that is not accepted.
  public func outputTypes(
    for types: [ElementType], count: Int
  ) throws(ConvoyError) -> [ElementType] {
    let kept = types.indices.first { !separate.contains($0) }.map { types[$0] }
    for (index, type) in types.enumerated() {
      let taken = inputs[min(index, inputs.count - 1)]
      guard taken.contains(type) else {
        let names = ElementType.allCases.filter(taken.contains).map(\.rawValue)
        throw ConvoyError(
          .type, "expected input \(index + 1) of type \(TypeRule.list(names)), got \(type)")
      }
      if isUniform, !separate.contains(index), let kept, type != kept {
        throw ConvoyError(.type, "expected inputs of one type, got \(kept) and \(type)")
      }
    }
    return (0..<count).map {
      outputs[min($0, outputs.count - 1)] ?? kept ?? .float32
    }
  }

  /// `a`, `a or b`, `a, b or c`.
  private static func list(_ names: [String]) -> String {
    names.count < 2
      ? names.joined()
      : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }
}

extension Set<ElementType> {
  /// All types.
  public static let all = Set(ElementType.allCases)

  /// The types of integers.
  public static let integers = Set(ElementType.allCases.filter(\.isInteger))

  /// The types that numbers are computed in: 32-bit floats and integers.
  public static let numbers = integers.union([.float32])

  /// The types of class indices and of steps; floats are accepted because graphs that were saved
  /// before there were other types have them.
  static let labels: Set<ElementType> = [.int32, .int64, .float32]
}
