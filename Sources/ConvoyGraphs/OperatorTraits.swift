public import ConvoyTensors

/// What passes ask an operator about itself, in place of a list of its types.
///
/// Passes read an image's dimension 1 as its channels and all after it as its pixels. An answer that
/// promises less is always safe; one test checks every operator's promises against its reference.
public struct OperatorTraits: Hashable, Sendable {
  /// What becomes of the numbers of the inputs, in a network that is only run.
  public enum Effect: Hashable, Sendable {
    /// The only output is the first input.
    case nothing
    /// The only output has the first input's numbers in their order, under another shape.
    case reshapes
    /// Numbers of the inputs, perhaps with some constant between them, in other places.
    case moves
    /// New numbers.
    case computes
  }

  /// How the positions along one dimension of the outputs follow from those of the inputs.
  public enum Passage: Hashable, Sendable {
    /// Each from the same position of the inputs alone, all by the same function. Inputs that have an
    /// extent of 1 there, or not the dimension, are met by every position.
    case alike
    /// The same, with a number of its own for each position: inputs after the first are vectors of them.
    case byVector
    /// The same, by a function that also depends on the number's row-major place in the whole tensor.
    case byPlace
    /// Each position of the input becomes as many neighbouring positions of the output.
    case runs
    /// From any positions.
    case mixed
  }

  /// What becomes of the inputs' numbers.
  public var effect: Effect
  /// How channels pass through.
  public var channels: Passage
  /// How pixels pass through.
  public var pixels: Passage
  /// Into how many groups its channels are divided; nil for an operator that knows no groups.
  public var groups: Int?
  /// Whether the reference takes no more steps than it reads, makes and multiplies numbers: an importer
  /// may then evaluate it within a budget.
  public var hasBoundedReference: Bool

  /// Answers every question.
  public init(
    _ effect: Effect, channels: Passage, pixels: Passage, groups: Int?, hasBoundedReference: Bool
  ) {
    self.effect = effect
    self.channels = channels
    self.pixels = pixels
    self.groups = groups
    self.hasBoundedReference = hasBoundedReference
  }

  /// Each number of the outputs follows from those at its own place.
  public static func elementwise(_ effect: Effect) -> OperatorTraits {
    OperatorTraits(
      effect, channels: .alike, pixels: .alike, groups: nil, hasBoundedReference: true)
  }

  /// Positions along some dimensions are mixed, those along all others pass alike.
  public static func mixing(
    _ dimensions: some Sequence<Int>, _ effect: Effect, hasBoundedReference: Bool
  ) -> OperatorTraits {
    OperatorTraits(
      effect, channels: dimensions.contains(1) ? .mixed : .alike,
      pixels: dimensions.contains { $0 > 1 } ? .mixed : .alike, groups: nil,
      hasBoundedReference: hasBoundedReference)
  }

  /// Any number of the outputs may follow from any of the inputs.
  public static func mixingAll(_ effect: Effect, hasBoundedReference: Bool) -> OperatorTraits {
    OperatorTraits(
      effect, channels: .mixed, pixels: .mixed, groups: nil,
      hasBoundedReference: hasBoundedReference)
  }
}

/// What kind of operator a rewrite has before it, with what it needs to rewrite it.
public enum OperatorKind: Sendable {
  /// Multiplies an image with weights.
  case layer(any LayerOperator)
  /// Applies a function of one number to every element of its only input.
  case function(ScalarFunction)
  /// Combines the elements of two tensors, with broadcasting.
  case arithmetic(Arithmetic.Function)
  /// Multiplies each channel with a number and adds another.
  case channelAffine(any ChannelAffineOperator)
  /// Exchanges numbers between ranks.
  case exchange(any CollectiveOperator)
  /// None of these.
  case other
}

/// An operator that multiplies an image, its first input, with weights, its second, and adds a bias, its
/// third, if there is one.
public protocol LayerOperator: Operator {
  /// What the first extent of the weights counts.
  var weightRows: WeightRows { get }
  /// Into how many groups its channels are divided; 1 where an output sees all inputs.
  var groups: Int { get }
  /// Whether each output is a sum over all of the window's elements, none of them padding.
  var readsWholeWindows: Bool { get }
  /// The same layer with another number of groups; nil for a layer that knows no groups.
  func divided(into groups: Int) -> (any LayerOperator)?
}

/// What the first extent of a layer's weights counts.
public enum WeightRows: Hashable, Sendable {
  /// Weights are [O, I∕G, k…].
  case outputs
  /// Weights are [I, O∕G, k…].
  case inputs
}

/// An operator that multiplies each channel of an image with one number and adds another, where its other
/// inputs are known numbers.
public protocol ChannelAffineOperator: Operator {
  /// The numbers that channels are multiplied with, and that are added to them then.
  ///
  /// - Parameters:
  ///   - numbers: the inputs that are known, nil for those that are computed.
  ///   - shapes: the inputs' shapes.
  /// - Returns: nil where these inputs are not a number a channel.
  func channelAffine(numbers: [Tensor?], shapes: [Shape]) -> ChannelAffine?
}

/// What is done to each channel of an image.
public struct ChannelAffine: Hashable, Sendable {
  /// Which of the operator's inputs is the image.
  public var image: Int
  /// What each channel is multiplied with.
  public var factors: [Double]
  /// What is added to it then.
  public var shifts: [Double]
  /// Whether a layer that takes it in gets a bias even where every shift is 0.
  public var alwaysHasShift: Bool

  /// Describes what is done to each channel.
  public init(image: Int, factors: [Double], shifts: [Double], alwaysHasShift: Bool) {
    self.image = image
    self.factors = factors
    self.shifts = shifts
    self.alwaysHasShift = alwaysHasShift
  }
}

extension Graph {
  /// The traits of a node's operator at the node's shapes.
  public func traits(of node: Node) -> OperatorTraits {
    let (inputs, outputs) = shapes(of: node)
    return node.operation.traits(inputs: inputs, outputs: outputs)
  }
}
