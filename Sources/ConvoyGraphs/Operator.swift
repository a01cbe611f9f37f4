public import ConvoyTensors

/// What an operator means, on any machine.
///
/// An operator's file holds, in this order: its attributes, the shape rule, the cost rule, the
/// gradient, the reference, the traits, the glyph, and how a builder spells it. How it is made to run fast
/// stands elsewhere (`ConvoyEngine/Lowering`, `ConvoyKernels`).
public protocol Operator: Hashable, Codable, Sendable {
  /// The operator's name: in error messages, pictures and saved graphs. Never changed once released.
  static var name: String { get }

  /// The shape rule: the shapes of the outputs, from those of the inputs.
  ///
  /// - Throws: `ConvoyError` when the inputs are too few, too many, or do not fit the attributes. The
  ///   message is a sentence without the operator's name; the builder puts the node's in front.
  func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape]

  /// The type rule: which types of elements the inputs may have, and which the outputs have.
  var types: TypeRule { get }

  /// The cost rule: the multiply-adds of one run. Bytes follow from shapes and types.
  func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int

  /// The gradient: emits nodes that compute, for each input, the gradient of the loss with respect
  /// to it; nil for an input that has none or does not need one.
  func gradients(at site: GradientSite) -> [Value?]

  /// The reference: plain nested loops in Double, the executable specification.
  ///
  /// - Precondition: the inputs' shapes satisfy the shape rule, which gave `outputs`.
  func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor]

  /// What kind of operator it is, for rewrites that look for a kind.
  var kind: OperatorKind { get }

  /// The traits: what passes need to know of it, at these shapes.
  ///
  /// - Precondition: the inputs' shapes satisfy the shape rule, which gave `outputs`.
  func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits

  /// The glyph: how pictures show it.
  var glyph: Glyph { get }

  /// What takes its place in training, for an operator that behaves differently there: emits nodes
  /// and returns the values that replace its outputs. Nil, the default, for all others.
  func trainingForm(of inputs: [Value], in builder: GraphBuilder) -> [Value]?
}

extension Operator {
  /// By default an operator takes and makes 32-bit floats only.
  public var types: TypeRule { .float32 }

  /// By default an operator multiplies nothing.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int { 0 }

  /// By default an operator is the same in training.
  public func trainingForm(of inputs: [Value], in builder: GraphBuilder) -> [Value]? { nil }

  /// Throws unless the number of inputs is one of those the operator takes.
  func expect(_ inputs: [Shape], count: ClosedRange<Int>) throws(ConvoyError) {
    guard count.contains(inputs.count) else {
      let expected =
        count.count == 1 ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
      throw ConvoyError(.graph, "expected \(expected) inputs, got \(inputs.count)")
    }
  }
}

extension ConvoyError {
  /// The same error with the place it belongs to in front: `conv1: expected …, got ….`
  public func at(_ place: String) -> ConvoyError {
    ConvoyError(kind, message.hasSuffix(".") ? "\(place): \(message)" : "\(place): \(message).")
  }
}

/// Where a gradient is asked for: a node's values, as handles to build on.
public struct GradientSite {
  /// The node's inputs.
  public let inputs: [Value]
  /// The node's outputs.
  public let outputs: [Value]
  /// The loss's gradient with respect to each output; nil where the loss does not depend on it.
  public let outputGradients: [Value?]
  /// For each input, whether its gradient is used; computing one that is not would be wasted work.
  public let isNeeded: [Bool]

  /// Describes where a gradient is asked for.
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

/// How pictures show an operator: data, no drawing.
public struct Glyph: Hashable, Sendable {
  /// What kind of work it is; the colour in every picture.
  public enum Role: String, Hashable, Sendable, CaseIterable {
    /// Mixes channels: convolutions and linear layers.
    case convolution
    /// Shrinks maps.
    case pooling
    /// Normalises.
    case normalization
    /// Element by element.
    case elementwise
    /// Moves numbers without computing.
    case arrangement
    /// Turns many numbers into few: reductions, losses.
    case reduction
    /// Changes parameters.
    case update
    /// Exchanges numbers between ranks.
    case exchange
  }

  /// A few characters: `3×3 g32`.
  public let label: String
  /// The kind of work.
  public let role: Role
  /// The operator's word where it is all that a box says: `take own part`; the label, unless it has one.
  public let word: String
  /// Fewer characters, where it stands behind a layer with others: `BN`; the label, unless it has fewer.
  public let abbreviation: String

  /// Makes a glyph.
  public init(
    _ label: String, _ role: Role, word: String? = nil, abbreviation: String? = nil
  ) {
    self.label = label
    self.role = role
    self.word = word ?? label
    self.abbreviation = abbreviation ?? label
  }
}

/// What a piece of work costs.
public struct Cost: Hashable, Sendable, Codable {
  /// Trained numbers: weights, biases, batch-norm scale and shift; not running statistics.
  public var parameters: Int
  /// Multiplications each followed by an addition, in convolutions and fully-connected layers.
  public var multiplyAdds: Int
  /// Bytes read and written once each: inputs, parameters, outputs, by their types' sizes.
  public var bytes: Int

  /// Makes a cost.
  public init(parameters: Int = 0, multiplyAdds: Int = 0, bytes: Int = 0) {
    self.parameters = parameters
    self.multiplyAdds = multiplyAdds
    self.bytes = bytes
  }

  /// The arithmetic intensity: operations for each byte, two a multiply-add; 0 where nothing is multiplied.
  ///
  /// Source: Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model for
  /// Multicore Architectures", 2009.
  public var intensity: Double { bytes == 0 ? 0 : 2 * Double(multiplyAdds) / Double(bytes) }

  /// Adds item by item; what does not fit in an `Int` is its largest.
  public static func + (a: Cost, b: Cost) -> Cost {
    Cost(
      parameters: sum(a.parameters, b.parameters),
      multiplyAdds: sum(a.multiplyAdds, b.multiplyAdds),
      bytes: sum(a.bytes, b.bytes))
  }

  /// a·b for counts, or the largest `Int` where that does not fit: valid shapes can ask for more
  /// multiply-adds than an `Int` counts.
  static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? Int.max : product
  }

  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? Int.max : sum
  }
}
