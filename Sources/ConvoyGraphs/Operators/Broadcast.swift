public import ConvoyTensors

/// One rank's numbers, on every rank.
///
/// Input: a tensor, of which only the root's is used. Output: the root's tensor. It has no
/// gradient; it gives all ranks the same initial state.
public struct Broadcast: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "broadcast"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int
  /// The rank whose numbers are sent.
  public var root: Int

  /// A broadcast of one rank's numbers.
  public init(_ axis: RankAxis, ranks: Int, root: Int) {
    self.axis = axis
    self.ranks = ranks
    self.root = root
  }

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try expectRanks()
    guard (0..<ranks).contains(root) else {
      throw ConvoyError(.attribute, "expected a root below \(ranks), got \(root)")
    }
    return inputs
  }

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil] }

  /// The input.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    inputs
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .whole }

  /// The root's elements.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .broadcast(count: outputs[0].elementCount, root: root)
  }

  /// The tensor's shape and order are kept.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// `from rank 0`
  public var glyph: Glyph { Glyph("from rank \(root)", .exchange) }
}

// MARK: - AllReduceBegin

/// Begins the sum of all ranks' tensors, which proceeds while other operators are run:
/// `AllReduceEnd` waits for it.
///
/// Inputs: any tensors. Output: their elements in sequence; only `AllReduceEnd` may read it.
public struct AllReduceBegin: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "allReduceBegin"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int

  /// The beginning of a sum over ranks.
  public init(_ axis: RankAxis, ranks: Int) {
    self.axis = axis
    self.ranks = ranks
  }

  /// One dimension: all elements.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    guard !inputs.isEmpty else { throw ConvoyError(.graph, "expected at least 1 input, got none") }
    try expectRanks()
    return [try Shape(validating: [inputs.reduce(0) { $0 + $1.elementCount }])]
  }

  /// None: the operator is used for gradients.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  /// The elements in sequence.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    [ReferenceTensor(outputs[0], inputs.flatMap(\.elements))]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .beginning }

  /// The sum.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .sum(count: outputs[0].elementCount)
  }

  /// Tensors become one row.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `Σ 4 ranks …`
  public var glyph: Glyph { Glyph("Σ \(ranks) ranks …", .exchange) }
}

// MARK: - AllReduceEnd

/// Waits for the sums that `AllReduceBegin` began, and computes means from them.
///
/// Input: that operator's output. Outputs: the means over the ranks, in the shapes of its inputs.
public struct AllReduceEnd: CollectiveOperator {
  /// See `Operator.name`.
  public static let name = "allReduceEnd"
  /// See `CollectiveOperator.axis`.
  public var axis: RankAxis
  /// See `CollectiveOperator.ranks`.
  public var ranks: Int
  /// The shapes of the tensors.
  public var shapes: [Shape]

  /// The end of a sum over ranks.
  public init(_ axis: RankAxis, ranks: Int, shapes: [Shape]) {
    self.axis = axis
    self.ranks = ranks
    self.shapes = shapes
  }

  /// The shapes of the tensors.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try expectRanks()
    let count = shapes.reduce(0) { $0 + $1.elementCount }
    guard inputs[0].dimensions == [count] else {
      throw ConvoyError(.shape, "expected \(count) elements in a row, got \(inputs[0])")
    }
    return shapes
  }

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil] }

  /// If all ranks have the same numbers, these are the means.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var start = 0
    return outputs.map { shape in
      defer { start += shape.elementCount }
      return ReferenceTensor(shape, Array(inputs[0].elements[start..<start + shape.elementCount]))
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .exchange(self) }

  /// See `CollectiveOperator.phase`.
  public var phase: ExchangePhase { .end }

  /// Nothing: `AllReduceBegin` has sent everything.
  public func exchanged(inputs: [Shape], outputs: [Shape]) -> RankExchange {
    .nothing
  }

  /// A row becomes tensors.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `… mean of 4 ranks`
  public var glyph: Glyph { Glyph("… mean of \(ranks) ranks", .exchange) }
}
