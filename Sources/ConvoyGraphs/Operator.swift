public import ConvoyTensors

/// The meaning of an operator, independent of machines.
///
/// An operator's file has, in this order: its attributes, the shape rule, the cost rule, the
/// gradient, the reference, the traits, the glyph, and the builder's methods. Its kernels are
/// elsewhere (`ConvoyEngine/Lowering`, `ConvoyKernels`).
public protocol Operator: Hashable, Codable, Sendable {
  /// The operator's name in error messages, pictures and saved graphs. It never changes once
  /// released.
  static var name: String { get }

  /// The shape rule: the shapes of the outputs for those of the inputs.
  ///
  /// - Throws: `ConvoyError` when the inputs are too few, too many, or do not fit the attributes.
  ///   The message is a sentence without the operator's name; the builder prefixes the node's name.
  func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape]

  /// The type rule: the types of elements that are accepted, and those of the outputs.
  var types: TypeRule { get }

  /// The cost rule: the multiply-adds of one run. Bytes follow from shapes and types.
  func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int

  /// The gradient: emits nodes that compute, for each input, the gradient of the loss with respect
  /// to it; nil for an input that has none or does not need one.
  func gradients(at site: GradientSite) -> [Value?]

  /// The reference: plain nested loops in Double, which are the executable specification.
  ///
  /// - Precondition: the inputs' shapes satisfy the shape rule, and `outputs` are its results.
  func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor]

  /// The kind of operator, for rewrites that match a kind.
  var kind: OperatorKind { get }

  /// The traits: what passes need to know about the operator at these shapes.
  ///
  /// - Precondition: the inputs' shapes satisfy the shape rule, and `outputs` are its results.
  func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits

  /// The form for transposed inputs: an operator that gives, for inputs whose dimension
  /// `places[d]` is this operator's dimension d, the output with its dimensions in other places.
  /// Inputs of a lower rank are given extents of 1 first. Nil, the default, where there is none.
  func transposedForm(places: [Int]) -> TransposedForm?

  /// The glyph: the operator's form in pictures.
  var glyph: Glyph { get }

  /// The training form of an operator that behaves differently in training: emits nodes, and
  /// returns the values that replace its outputs. Nil, the default, for all others.
  func trainingForm(of inputs: [Value], in builder: GraphBuilder) -> [Value]?
}

extension Operator {
  /// By default, an operator has inputs and outputs of 32-bit floats only.
  public var types: TypeRule { .float32 }

  /// By default, an operator multiplies nothing.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int { 0 }

  /// By default, an operator has no form for transposed inputs.
  public func transposedForm(places: [Int]) -> TransposedForm? { nil }

  /// By default, an operator is the same in training.
  public func trainingForm(of inputs: [Value], in builder: GraphBuilder) -> [Value]? { nil }

  /// Checks that the number of inputs is one that the operator accepts.
  func expect(_ inputs: [Shape], count: ClosedRange<Int>) throws(ConvoyError) {
    guard count.contains(inputs.count) else {
      let expected =
        count.count == 1 ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
      throw ConvoyError(.graph, "expected \(expected) inputs, got \(inputs.count)")
    }
  }
}

extension Operator {
  /// The rules for shapes and types together: the outputs for given inputs.
  ///
  /// - Throws: `ConvoyError` when the inputs are too few, too many, of types that are not accepted,
  ///   or do not fit the attributes.
  public func outputs(for inputs: [TensorType]) throws(ConvoyError) -> [TensorType] {
    let shapes = try outputShapes(for: inputs.map(\.shape))
    let types = try types.outputTypes(for: inputs.map(\.type), count: shapes.count)
    return zip(shapes, types).map { TensorType($0, $1) }
  }
}

extension ConvoyError {
  /// The same error, prefixed by the place it belongs to: `conv1: expected …, got ….`
  public func at(_ place: String) -> ConvoyError {
    ConvoyError(kind, message.hasSuffix(".") ? "\(place): \(message)" : "\(place): \(message).")
  }
}

/// The values of a node whose gradient is computed, as inputs of new nodes.
public struct GradientSite {
  /// The node's inputs.
  public let inputs: [Value]
  /// The node's outputs.
  public let outputs: [Value]
  /// The gradient of the loss with respect to each output; nil where the loss does not depend on
  /// it.
  public let outputGradients: [Value?]
  /// For each input, whether its gradient is used; other gradients need not be computed.
  public let isNeeded: [Bool]

  /// A node's values and gradients.
  public init(
    inputs: [Value], outputs: [Value], outputGradients: [Value?], isNeeded: [Bool]
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.outputGradients = outputGradients
    self.isNeeded = isNeeded
  }

  /// The gradient of the only output, for operators that have one.
  public var outputGradient: Value {
    guard let gradient = outputGradients.first ?? nil else {
      preconditionFailure("A gradient is asked for only where an output has one.")
    }
    return gradient
  }
}

/// The form of an operator in pictures: data without drawing.
public struct Glyph: Hashable, Sendable {
  /// The kind of computation, which determines the colour in every picture.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    /// Mixes channels: convolutions and linear layers.
    case convolution
    /// Reduces the extents of maps.
    case pooling
    /// Normalises numbers.
    case normalization
    /// Computes element by element.
    case elementwise
    /// Moves numbers without computing.
    case arrangement
    /// Reduces many numbers to few: reductions, losses.
    case reduction
    /// Changes parameters.
    case update
    /// Exchanges numbers between ranks.
    case exchange
  }

  /// A short description: `3×3 g32`.
  public let label: String
  /// The kind of computation.
  public let role: Role
  /// The text of a box that shows only this operator: `take own part`; by default the label.
  public let word: String
  /// A shorter label, for an operator that is drawn in the box of a layer before it: `BN`; by
  /// default the label.
  public let abbreviation: String

  /// A glyph with a label and a role.
  public init(
    _ label: String, _ role: Role, word: String? = nil, abbreviation: String? = nil
  ) {
    self.label = label
    self.role = role
    self.word = word ?? label
    self.abbreviation = abbreviation ?? label
  }
}

/// The cost of a computation.
public struct Cost: Hashable, Sendable, Codable {
  /// Trained numbers: weights, biases, batch-norm scale and shift; not running statistics.
  public var parameters: Int
  /// Multiplications each followed by an addition, in convolutions and fully-connected layers.
  public var multiplyAdds: Int
  /// Bytes read and written, each once: inputs, parameters, outputs, by the sizes of their types.
  public var bytes: Int

  /// A cost with given counts.
  public init(parameters: Int = 0, multiplyAdds: Int = 0, bytes: Int = 0) {
    self.parameters = parameters
    self.multiplyAdds = multiplyAdds
    self.bytes = bytes
  }

  /// The arithmetic intensity: operations for each byte, where a multiply-add is two; 0 where
  /// nothing is multiplied.
  ///
  /// Source: Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model
  /// for Multicore Architectures", 2009.
  public var intensity: Double { bytes == 0 ? 0 : 2 * Double(multiplyAdds) / Double(bytes) }

  /// Adds each count; sums saturate at the largest `Int`.
  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(
      parameters: sum(a.parameters, b.parameters),
      multiplyAdds: sum(a.multiplyAdds, b.multiplyAdds),
      bytes: sum(a.bytes, b.bytes))
  }

  /// a·b for counts, saturated at the largest `Int`: valid shapes can need more multiply-adds than
  /// an `Int` counts.
  static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? Int.max : product
  }

  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? Int.max : sum
  }
}
