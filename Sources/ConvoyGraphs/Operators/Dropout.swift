public import ConvoyTensors

// MARK: - Dropout

/// Sets random elements to zero in training; the identity otherwise.
///
/// Input: a tensor. Output: the same shape. Its training form is `DropoutTraining`.
///
/// Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
/// 2014; in the "inverted" form, which scales in training rather than in inference.
public struct Dropout: Operator {
  /// See `Operator.name`.
  public static let name = "dropout"
  /// The fraction of the elements that is set to zero, in 0..<1.
  public var rate: Float

  /// Describes a dropout.
  public init(rate: Float) { self.rate = rate }

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try Dropout.validate(rate: rate)
    return inputs
  }

  static func validate(rate: Float) throws(ConvoyError) {
    guard rate >= 0, rate < 1 else {
      throw ConvoyError(.attribute, "expected a rate from 0 to less than 1, got \(rate)")
    }
  }

  /// The output's gradient.
  public func gradients(at site: GradientSite) -> [Value?] { [site.outputGradient] }

  /// `DropoutTraining`, with a stream of random numbers that depends on the node's name.
  public func trainingForm(of inputs: [Value], in builder: GraphBuilder) -> [Value]? {
    let training = DropoutTraining(
      rate: rate, stream: DropoutTraining.stream(named: builder.scopeName))
    return [inputs[0].applying(training, [builder.trainingStep()], name: "training")]
  }

  /// The input.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    inputs
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// The identity outside training; in training the result depends on the element's index.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .nothing, channels: .byPlace, pixels: .byPlace, groups: nil, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `dropout 0.5`.
  public var glyph: Glyph { Glyph("dropout \(rate)", .elementwise) }
}

// MARK: - DropoutTraining

/// Sets random elements to zero and divides the others by 1 − rate, which keeps the expected value.
///
/// Inputs: a tensor and the number of the training step, a scalar. Output: the tensor's shape.
/// Whether an element is kept is a function of stream, step and its row-major index alone: the
/// backward half computes the same mask again instead of keeping it, and the result does not depend
/// on the order of the work or the number of threads.
public struct DropoutTraining: Operator {
  /// See `Operator.name`.
  public static let name = "dropoutTraining"
  /// The fraction of the elements that is set to zero, in 0..<1.
  public var rate: Float
  /// The stream of random numbers; each layer has its own.
  public var stream: UInt64
  /// The index of the first element, if the tensor is a part of a larger one.
  public var firstElement = 0

  /// Describes a dropout in training.
  public init(rate: Float, stream: UInt64) {
    self.rate = rate
    self.stream = stream
  }

  /// The tensor's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    try Dropout.validate(rate: rate)
    guard inputs[1].rank == 0 else {
      throw ConvoyError(.shape, "expected a scalar training step, got shape \(inputs[1])")
    }
    return [inputs[0]]
  }

  /// The tensor is of 32-bit floats, the step an integer.
  public var types: TypeRule { TypeRule([[.float32], .labels], outputs: [.float32]) }

  /// The output's gradient, with the same elements set to zero.
  public func gradients(at site: GradientSite) -> [Value?] {
    guard site.isNeeded[0] else { return [nil, nil] }
    return [site.outputGradient.applying(self, [site.inputs[1]]), nil]
  }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let step = Int(exactly: inputs[1].elements[0]) ?? 0
    let key = DropoutTraining.key(stream: stream, step: step)
    let scale = 1 / (1 - Double(rate))
    let elements = inputs[0].elements.enumerated().map { index, x in
      DropoutTraining.isKept(firstElement + index, key: key, rate: rate) ? x * scale : 0
    }
    return [ReferenceTensor(outputs[0], elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// The result depends on the element's index.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    OperatorTraits(
      .computes, channels: .byPlace, pixels: .byPlace, groups: nil, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `dropout 0.5`.
  public var glyph: Glyph { Glyph("dropout \(rate)", .elementwise) }

  // MARK: Random numbers

  /// The key of a stream's random numbers in one step.
  ///
  /// A negative step counts as 0.
  public static func key(stream: UInt64, step: Int) -> UInt64 {
    DropoutMask.key(stream: stream, step: step)
  }

  /// Whether the element with a row-major index is kept: whether its random number, a multiple of
  /// 2⁻²⁴ in 0..<1, is at least the rate.
  public static func isKept(_ index: Int, key: UInt64, rate: Float) -> Bool {
    DropoutMask(key: key, rate: rate).isKept(index)
  }

  /// The stream of a layer's name, the same in every run of the program (FNV-1a).
  ///
  /// Source: Fowler, Noll and Vo, draft-eastlake-fnv.
  public static func stream(named name: String) -> UInt64 {
    name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }
}

// MARK: - Building

extension Value {
  /// Sets a fraction of the elements to zero in training; the identity otherwise.
  ///
  /// - Parameter name: the layer's name, which determines its random numbers.
  public func dropout(_ rate: Float = 0.5, name: String? = nil) -> Value {
    applying(Dropout(rate: rate), name: builder.layerName(name, kind: Dropout.name))
  }
}

extension GraphBuilder {
  /// The number of the training step, counted from 0: a scalar int64 parameter `training.step` of
  /// the whole graph, in any scope. The training step must increment it.
  public func trainingStep() -> Value {
    parameter(
      "training.step", [], type: .int64, Parameter(.constant(0), isTrainable: false), unscoped: true
    )
  }
}

// MARK: - Shares

extension Graph {
  /// A network in training form for one rank's share of each batch: each dropout computes the part
  /// of the whole batch's mask that belongs to its images.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  public func drawingMasks(ofRank rank: Int) throws(ConvoyError) -> Graph {
    guard rank > 0 else { return self }
    return try rewritten { node, inputs, builder in
      guard var dropout = node.operation as? DropoutTraining else { return nil }
      dropout.firstElement = rank * inputs[0].shape.elementCount
      return builder.apply(dropout, to: inputs, name: node.name)
    }
  }
}
