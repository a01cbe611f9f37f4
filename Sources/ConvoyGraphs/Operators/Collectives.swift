public import ConvoyTensors

extension CollectiveOperator {
  func expectRanks() throws(ConvoyError) {
    guard ranks >= 1 else {
      throw ConvoyError(.attribute, "expected at least 1 rank, got \(ranks)")
    }
  }
}

// MARK: - AllReduce

/// The sum of all ranks' numbers, on every rank.
///
/// Input and output: a tensor. Its gradient is the sum of all ranks' gradients.
public struct AllReduce: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "allReduce"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int

  /// A sum over ranks.
  public init(_ axis: RankAxis, ranks: Int) {
    self.axis = axis
    self.ranks = ranks
  }

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try expectRanks()
    return inputs
  }

  /// Every rank's result depends on every rank's input.
  public func gradients(at site: GradientSite) -> [Value?] { [site.outputGradient.applying(self)] }

  /// The input times the number of ranks.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    [ReferenceTensor(outputs[0], inputs[0].elements.map { $0 * Double(ranks) })]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// The sum.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .sum(count: outputs[0].elementCount)
  }

  /// Each number is the sum of the ranks' numbers at the same position.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// `Σ 4 ranks`
  public var glyph: Glyph { Glyph("Σ \(ranks) ranks", .exchange) }
}

// MARK: - Replicated

/// A value that every rank has, and with which each rank computes something else: the identity.
///
/// Its gradient is the sum of the contributions of the ranks. Source: the conjugate operators f and
/// g of M. Shoeybi et al., "Megatron-LM: Training Multi-Billion Parameter Language Models Using
/// Model Parallelism", 2019.
public struct Replicated: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "replicated"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int

  /// The use of a value by several ranks.
  public init(_ axis: RankAxis, ranks: Int) {
    self.axis = axis
    self.ranks = ranks
  }

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try expectRanks()
    return inputs
  }

  /// The sum of the ranks' contributions.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.applying(AllReduce(axis, ranks: ranks))]
  }

  /// The input.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    inputs
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// Nothing: every rank has the value.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .nothing
  }

  /// The input itself: only the gradient is exchanged.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.nothing)
  }

  // MARK: Glyph

  /// `to 4 ranks`
  public var glyph: Glyph { Glyph("to \(ranks) ranks", .exchange) }
}

// MARK: - AllGather

/// All ranks' tensors, concatenated along a dimension, on every rank.
///
/// Output: the input's extent in the dimension times the number of ranks.
public struct AllGather: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "allGather"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int
  /// This rank's index.
  public var rank: Int
  /// The dimension of concatenation.
  public var dimension: Int
  /// Whether every rank computes the same from the result, so that each has the whole gradient and
  /// takes its own share. Otherwise each rank has a part of the gradient, and the parts are added.
  public var isRepeated: Bool

  /// A concatenation of ranks' tensors.
  public init(_ axis: RankAxis, ranks: Int, rank: Int, dimension: Int, isRepeated: Bool) {
    self.axis = axis
    self.ranks = ranks
    self.rank = rank
    self.dimension = dimension
    self.isRepeated = isRepeated
  }

  /// The input's shape, with a larger extent in the dimension.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try expectRanks()
    try inputs[0].expectDimension(dimension)
    var extents = inputs[0].dimensions
    let (extent, overflows) = extents[dimension].multipliedReportingOverflow(by: ranks)
    guard !overflows else {
      throw ConvoyError(.shape, "\(ranks) times \(inputs[0]) is too much")
    }
    extents[dimension] = extent
    return [try Shape(validating: extents)]
  }

  /// This rank's share of the gradient, or of its sum.
  public func gradients(at site: GradientSite) -> [Value?] {
    let gradient = site.outputGradient
    if isRepeated {
      return [
        gradient.applying(RankShare(axis, ranks: ranks, rank: rank, dimension: dimension))
      ]
    }
    return [
      gradient.applying(ReduceScatter(axis, ranks: ranks, rank: rank, dimension: dimension))
    ]
  }

  /// The input, repeated.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let extent = inputs[0].shape[dimension]
    let elements = outputs[0].indices.map { position in
      var source = position
      source[dimension] %= extent
      return inputs[0][source]
    }
    return [ReferenceTensor(outputs[0], elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// All ranks' inputs.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .gathering(count: inputs[0].elementCount)
  }

  /// The channels or pixels of all ranks are concatenated along the dimension.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], .computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `gather 4`
  public var glyph: Glyph {
    Glyph("gather \(ranks)", .exchange, word: "gather \(ranks) parts")
  }
}

// MARK: - ReduceScatter

/// A share, along a dimension, of the sum of all ranks' tensors.
public struct ReduceScatter: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "reduceScatter"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int
  /// The index of this rank's share.
  public var rank: Int
  /// The dimension of the shares.
  public var dimension: Int

  /// A share of a sum over ranks.
  public init(_ axis: RankAxis, ranks: Int, rank: Int, dimension: Int) {
    self.axis = axis
    self.ranks = ranks
    self.rank = rank
    self.dimension = dimension
  }

  /// The input's shape, with a smaller extent in the dimension.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    return [
      try RankShare(axis, ranks: ranks, rank: rank, dimension: dimension).share(of: inputs[0])
    ]
  }

  /// Every rank's input contributes to every share.
  public func gradients(at site: GradientSite) -> [Value?] {
    [
      site.outputGradient.applying(
        AllGather(axis, ranks: ranks, rank: rank, dimension: dimension, isRepeated: false))
    ]
  }

  /// This rank's share times the number of ranks.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let share = RankShare(axis, ranks: ranks, rank: rank, dimension: dimension)
    let tensor = share.reference(inputs, outputs: outputs)[0]
    return [ReferenceTensor(outputs[0], tensor.elements.map { $0 * Double(ranks) })]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// A share of the sum.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .sumShares(count: outputs[0].elementCount)
  }

  /// A range of the dimension.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], .computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `Σ scatter 4`
  public var glyph: Glyph { Glyph("Σ scatter \(ranks)", .exchange) }
}

// MARK: - RankShare

/// A rank's share, along a dimension, of a tensor that every rank has: nothing is sent, except for
/// its gradient.
public struct RankShare: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "rankShare"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int
  /// The index of this rank's share.
  public var rank: Int
  /// The dimension of the shares.
  public var dimension: Int

  /// A share of a tensor.
  public init(_ axis: RankAxis, ranks: Int, rank: Int, dimension: Int) {
    self.axis = axis
    self.ranks = ranks
    self.rank = rank
    self.dimension = dimension
  }

  /// The input's shape, with a smaller extent in the dimension.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    return [try share(of: inputs[0])]
  }

  func share(of shape: Shape) throws(ConvoyError) -> Shape {
    try expectRanks()
    try shape.expectDimension(dimension)
    guard (0..<ranks).contains(rank), shape[dimension] % ranks == 0 else {
      throw ConvoyError(
        .attribute,
        "expected an extent that \(ranks) ranks share evenly, and a rank below that, got "
          + "\(shape[dimension]) and rank \(rank)")
    }
    var extents = shape.dimensions
    extents[dimension] /= ranks
    return try Shape(validating: extents)
  }

  /// Each rank has the gradient of its share.
  public func gradients(at site: GradientSite) -> [Value?] {
    [
      site.outputGradient.applying(
        AllGather(axis, ranks: ranks, rank: rank, dimension: dimension, isRepeated: true))
    ]
  }

  /// The slice that is the share of an input.
  public func slice(of shape: Shape) -> AxisSlice {
    let extent = shape[dimension] / ranks
    return AxisSlice(dimension: dimension, start: rank * extent, end: (rank + 1) * extent)
  }

  /// A slice.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    slice(of: inputs[0].shape).reference(inputs, outputs: outputs)
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// Nothing: every rank has the whole tensor.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .nothing
  }

  /// A slice.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    slice(of: inputs[0]).traits(inputs: inputs, outputs: outputs)
  }

  // MARK: Glyph

  /// `share 1 of 4`
  public var glyph: Glyph {
    Glyph("share \(rank + 1) of \(ranks)", .arrangement, word: "take own part")
  }
}
