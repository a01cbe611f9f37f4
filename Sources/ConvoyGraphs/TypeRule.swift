public import ConvoyTensors

/// What is known of a value before a run: its extents and the type of its elements.
public struct TensorType: Hashable, Sendable {
  /// The extents.
  public var shape: Shape
  /// The type of the elements.
  public var type: ElementType

  /// Puts both together.
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

/// Which types of elements an operator takes, and which it makes.
public struct TypeRule: Hashable, Sendable {
  /// The types each input may have. Inputs beyond the last are as the last.
  public var inputs: [Set<ElementType>]
  /// Whether all inputs must have the same type.
  public var isUniform: Bool
  /// The type of each output; nil is that of the first input. Outputs beyond the last are as the last.
  public var outputs: [ElementType?]

  /// Describes a rule.
  public init(
    _ inputs: [Set<ElementType>], isUniform: Bool = false, outputs: [ElementType?]
  ) {
    precondition(!inputs.isEmpty && !outputs.isEmpty, "A type rule says something of each side.")
    self.inputs = inputs
    self.isUniform = isUniform
    self.outputs = outputs
  }

  /// Takes and makes 32-bit floats only.
  public static let float32 = TypeRule([[.float32]], outputs: [.float32])

  /// Takes inputs of one type, whichever, and keeps it: for operators that only move elements.
  public static let anyKept = kept(Set(ElementType.allCases))

  /// Takes inputs of one type out of several, and keeps it.
  public static func kept(_ types: Set<ElementType>) -> TypeRule {
    TypeRule([types], isUniform: true, outputs: [nil])
  }

  /// The types of an operator's outputs.
  ///
  /// - Throws: `ConvoyError` of kind `.type` when an input is of a type that is not taken.
  public func outputTypes(
    for types: [ElementType], count: Int
  ) throws(ConvoyError) -> [ElementType] {
    for (index, type) in types.enumerated() {
      let taken = inputs[min(index, inputs.count - 1)]
      guard taken.contains(type) else {
        let names = ElementType.allCases.filter(taken.contains).map(\.rawValue)
        throw ConvoyError(
          .type, "expected input \(index + 1) of type \(TypeRule.list(names)), got \(type)")
      }
      if isUniform, type != types[0] {
        throw ConvoyError(.type, "expected inputs of one type, got \(types[0]) and \(type)")
      }
    }
    return (0..<count).map {
      outputs[min($0, outputs.count - 1)] ?? types.first ?? .float32
    }
  }

  /// `a`, `a or b`, `a, b or c`.
  private static func list(_ names: [String]) -> String {
    names.count < 2
      ? names.joined()
      : names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
  }
}

extension Operator {
  /// The rule for shapes and types together: what the outputs are, from what the inputs are.
  ///
  /// - Throws: `ConvoyError` when the inputs are too few, too many, of types that are not taken, or do not
  ///   fit the attributes.
  public func outputs(for inputs: [TensorType]) throws(ConvoyError) -> [TensorType] {
    let shapes = try outputShapes(for: inputs.map(\.shape))
    let types = try types.outputTypes(for: inputs.map(\.type), count: shapes.count)
    return zip(shapes, types).map { TensorType($0, $1) }
  }
}

extension Set<ElementType> {
  /// The types of integers.
  public static let integers = Set(ElementType.allCases.filter(\.isInteger))

  /// The types of class indices and of steps; floats are taken because graphs that were saved before there
  /// were other types have them.
  static let labels: Set<ElementType> = [.int32, .int64, .float32]
}
