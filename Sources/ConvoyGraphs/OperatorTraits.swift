public import ConvoyTensors

/// Properties of operators that passes ask for, instead of testing for types.
///
/// Passes take dimension 1 of an image as its channels, and all later dimensions as its pixels. The
/// weaker answer is always safe; one test checks the promises of every operator against its
/// reference.
public struct OperatorTraits: Hashable, Sendable {
  /// What an operator does with the numbers of its inputs, outside training.
  public enum Effect: Hashable, Sendable {
    /// The only output equals the first input.
    case nothing
    /// The only output has the first input's numbers in the same order, with another shape.
    case reshapes
    /// The outputs have numbers of the inputs, and perhaps a constant, in other positions.
    case moves
    /// The outputs have new numbers.
    case computes
    /// The only output has as many rows as there can be of what is looked for. Those that are not
    /// needed come last, and all their numbers are −1. A run returns an output of the graph without
    /// them, but for the first row.
    case finds
  }

  /// How the positions along one dimension of the outputs depend on those of the inputs.
  public enum Passage: Hashable, Sendable {
    /// Each position depends only on the same position of the inputs, all by the same function.
    /// Inputs with extent 1 in the dimension, or without it, are broadcast to every position.
    case alike
    /// As `alike`, with a number for each position: inputs after the first are vectors of these.
    case byVector
    /// As `alike`, by a function that also depends on the number's row-major index in the whole
    /// tensor.
    case byPlace
    /// Each position of the input becomes several neighbouring positions of the output.
    case runs
    /// Each position may depend on any positions.
    case mixed
  }

  /// What the operator does with the numbers of its inputs.
  public var effect: Effect
  /// How channels depend on channels.
  public var channels: Passage
  /// How pixels depend on pixels.
  public var pixels: Passage
  /// The number of groups that the channels are divided into; nil for an operator without groups.
  public var groups: Int?
  /// Whether the steps of the reference are bounded by the numbers that it reads, computes and
  /// multiplies: an importer may then evaluate it within a budget.
  public var hasBoundedReference: Bool

  /// Traits with all answers.
  public init(
    _ effect: Effect, channels: Passage, pixels: Passage, groups: Int?, hasBoundedReference: Bool
  ) {
    self.effect = effect
    self.channels = channels
    self.pixels = pixels
    self.groups = groups
    self.hasBoundedReference = hasBoundedReference
  }

  /// Each number of the outputs depends only on those at the same position.
  public static func elementwise(_ effect: Effect) -> OperatorTraits {
    OperatorTraits(
      effect, channels: .alike, pixels: .alike, groups: nil, hasBoundedReference: true)
  }

  /// Positions along some dimensions are mixed; those along all others are alike.
  public static func mixing(
    _ dimensions: some Sequence<Int>, _ effect: Effect, hasBoundedReference: Bool
  ) -> OperatorTraits {
    OperatorTraits(
      effect, channels: dimensions.contains(1) ? .mixed : .alike,
      pixels: dimensions.contains { $0 > 1 } ? .mixed : .alike, groups: nil,
      hasBoundedReference: hasBoundedReference)
  }

  /// Any number of the outputs may depend on any number of the inputs.
  public static func mixingAll(_ effect: Effect, hasBoundedReference: Bool) -> OperatorTraits {
    OperatorTraits(
      effect, channels: .mixed, pixels: .mixed, groups: nil,
      hasBoundedReference: hasBoundedReference)
  }
}

/// The kind of an operator, with what rewrites need to rewrite it.
public enum OperatorKind: Sendable {
  /// Multiplies an image with weights.
  case layer(any LayerOperator)
  /// Applies a function of one number to every element of its only input.
  case function(ScalarFunction)
  /// Combines the elements of two tensors, with broadcasting.
  case arithmetic(ArithmeticFunction)
  /// Multiplies each channel with a number, and adds another.
  case channelAffine(any ChannelAffineOperator)
  /// Exchanges numbers between ranks.
  case exchange(any CollectiveOperator)
  /// None of these.
  case other
}

/// The form of an operator for transposed inputs.
public struct TransposedForm {
  /// The operator for the inputs before their transposition.
  public var operation: any Operator
  /// For each dimension of the output, its place in the output of `operation`.
  public var places: [Int]

  /// An operator and the places of its output's dimensions.
  public init(_ operation: any Operator, _ places: [Int]) {
    self.operation = operation
    self.places = places
  }
}

/// An operator that multiplies an image, its first input, with weights, its second, and adds a
/// bias, its third, if there is one.
public protocol LayerOperator: Operator {
  /// What the first dimension of the weights is.
  var weightRows: WeightRows { get }
  /// The number of groups that its channels are divided into; 1 if an output depends on all inputs.
  var groups: Int { get }
  /// Whether each output is a sum over all elements of the window, none of them padding.
  var readsWholeWindows: Bool { get }
  /// The same layer with another number of groups; nil for a layer without groups.
  func divided(into groups: Int) -> (any LayerOperator)?
}

/// What the first dimension of a layer's weights is.
public enum WeightRows: Hashable, Sendable {
  /// Weights are [O, I∕G, k…].
  case outputs
  /// Weights are [I, O∕G, k…].
  case inputs
}

/// An operator that multiplies each channel of an image with one number and adds another, if its
/// other inputs are known.
public protocol ChannelAffineOperator: Operator {
  /// The factors of the channels, and the numbers that are added to the products.
  ///
  /// - Parameters:
  ///   - numbers: the inputs that are known; nil for those that are computed.
  ///   - shapes: the inputs' shapes.
  /// - Returns: nil if these inputs do not have one number for each channel.
  func channelAffine(numbers: [Tensor?], shapes: [Shape]) -> ChannelAffine?
}

/// An affine function of each channel of an image.
public struct ChannelAffine: Hashable, Sendable {
  /// The index of the image among the operator's inputs.
  public var image: Int
  /// The factor of each channel.
  public var factors: [Double]
  /// The number that is added to each product.
  public var shifts: [Double]
  /// Whether a layer that this is folded into gets a bias even if all shifts are 0.
  public var alwaysHasShift: Bool

  /// An affine function of each channel.
  public init(image: Int, factors: [Double], shifts: [Double], alwaysHasShift: Bool) {
    self.image = image
    self.factors = factors
    self.shifts = shifts
    self.alwaysHasShift = alwaysHasShift
  }
}
