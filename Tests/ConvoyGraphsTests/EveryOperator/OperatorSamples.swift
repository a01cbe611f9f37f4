import ConvoyGraphs
import ConvoyTensors

/// An operator with inputs that it accepts.
struct OperatorSample: Sendable, CustomStringConvertible {
  /// What an input's numbers are.
  enum Numbers: Sendable {
    /// From a normal distribution.
    case normal
    /// From 0.5 to 1.5, such as variances and rates.
    case positive
    /// Whole numbers below another: labels.
    case classes(Int)
    /// The third step of a training.
    case step
    /// Truth values.
    case truths
    /// Integers of a type, from 0 and below a number: indices.
    case integers(ElementType, below: Int)
  }

  /// The operator.
  let operation: any Operator
  /// The shapes of its inputs.
  let inputs: [Shape]
  /// The inputs that have a gradient; none where the operator is not differentiated. Nil where gradients
  /// are exchanged between ranks, of which the references know nothing.
  let differentiated: [Int]?
  /// The outputs that a loss may depend on.
  let losses: [Int]?
  private let numbers: [Int: Numbers]

  var description: String {
    "\(type(of: operation).name) \(operation.glyph.label) of \(inputs)"
  }

  /// A sample whose inputs all have gradients.
  init(
    _ operation: any Operator, _ inputs: [Shape], losses: [Int]? = nil,
    numbers: [Int: Numbers] = [:]
  ) {
    self.init(
      operation, inputs, differentiated: Array(inputs.indices), losses: losses, numbers: numbers)
  }

  init(
    _ operation: any Operator, _ inputs: [Shape], differentiated: [Int]?, losses: [Int]? = nil,
    numbers: [Int: Numbers] = [:]
  ) {
    self.operation = operation
    self.inputs = inputs
    self.differentiated = differentiated
    self.losses = losses
    self.numbers = numbers
  }

  /// A number of an input.
  func number(ofInput index: Int, using random: inout Random) -> Float {
    switch numbers[index] ?? .normal {
    case .normal: Float(random.normal())
    case .positive: 0.5 + Float(random.below(1000)) / 1000
    case .classes(let count): Float(random.below(count))
    case .step: 3
    case .truths: Float(random.below(2))
    case .integers(_, let bound): Float(random.below(bound))
    }
  }

  /// The type of an input: labels and steps are integers.
  func elementType(ofInput index: Int) -> ElementType {
    switch numbers[index] ?? .normal {
    case .normal, .positive: .float32
    case .classes: .int32
    case .step: .int64
    case .truths: .bool
    case .integers(let type, _): type
    }
  }

  /// Numbers for all inputs.
  func tensors(using random: inout Random) throws(ConvoyError) -> [Tensor] {
    var tensors: [Tensor] = []
    for (index, shape) in inputs.enumerated() {
      let elements = (0..<shape.elementCount).map { _ in number(ofInput: index, using: &random) }
      tensors.append(try Tensor(shape, elements).converted(to: elementType(ofInput: index)))
    }
    return tensors
  }

  /// Applies the operator in a graph.
  func apply(to inputs: [Value], in builder: GraphBuilder, name: String? = nil) -> [Value] {
    func apply(_ operation: some Operator) -> [Value] {
      builder.apply(operation, to: inputs, name: name)
    }
    return apply(operation)
  }
}

/// Each operator once, or more often where its answers differ.
let operatorSamples: [OperatorSample] = otherSamples + quantizationSamples + regionSamples

private let otherSamples: [OperatorSample] = [
  OperatorSample(
    AdamUpdate(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01), [v, v, v, v, [], []],
    differentiated: [], numbers: [3: .positive, 4: .positive, 5: .step]),
  OperatorSample(ArgReduction(.maximum, along: 1), [image], differentiated: []),
  OperatorSample(
    ArgReduction(.minimum, along: 2, keepsDimension: true, selectsLast: true), [image],
    differentiated: [], numbers: [0: .integers(.int64, below: 4)]),
  OperatorSample(Arithmetic(.add), [[2, 3, 4, 4], [3, 1, 1]]),
  OperatorSample(
    BatchNormalization(epsilon: 1e-5, momentum: 0.1), [image, [4], [4], [4], [4]],
    numbers: [4: .positive]),
  OperatorSample(BatchNormalizationTraining(epsilon: 1e-5), [image, [4], [4]]),
  OperatorSample(BatchNormalizationTraining(epsilon: 1e-5, activation: .silu), [image, [4], [4]]),
  OperatorSample(
    BatchNormalizationGradient(epsilon: 1e-5), [image, [4], [4], [4], [4], image],
    differentiated: [], numbers: [4: .positive]),
  OperatorSample(
    BatchNormalizationGradient(epsilon: 1e-5, activation: .clip(low: 0, high: 6)),
    [image, [4], [4], [4], [4], image], differentiated: [], numbers: [4: .positive]),
  OperatorSample(
    SynchronizedBatchNormalization(
      BatchNormalizationTraining(epsilon: 1e-5, activation: .silu), ranks: 3), [image, [4], [4]],
    losses: [0]),
  OperatorSample(
    SynchronizedBatchNormalizationGradient(BatchNormalizationGradient(epsilon: 1e-5), ranks: 3),
    [image, [4], [4], [4], [4], image], differentiated: [], numbers: [4: .positive]),
  OperatorSample(
    AllGather(.groups, ranks: 3, rank: 1, dimension: 1, isRepeated: true), [image],
    differentiated: nil),
  OperatorSample(AllReduce(.data, ranks: 3), [image]),
  OperatorSample(AllReduceBegin(.data, ranks: 3), [image, [4]], differentiated: []),
  OperatorSample(
    AllReduceEnd(.data, ranks: 3, shapes: [[2, 3], [4]]), [[10]], differentiated: []),
  OperatorSample(
    Bitwise(.exclusiveOr), [image, [4, 1, 1]], differentiated: [],
    numbers: [0: .truths, 1: .truths]),
  OperatorSample(
    Bitwise(.shiftLeft), [image, image], differentiated: [],
    numbers: [0: .integers(.uint8, below: 256), 1: .integers(.uint8, below: 9)]),
  OperatorSample(Broadcast(.data, ranks: 3, root: 2), [image], differentiated: []),
  OperatorSample(Cast(to: .int8), [image], differentiated: []),
  OperatorSample(ChannelShuffle(groups: 2), [image]),
  OperatorSample(Comparison(.lessOrEqual), [image, [4, 1, 1]], differentiated: []),
  OperatorSample(
    Comparison(.equal), [image, image], differentiated: [],
    numbers: [0: .integers(.int64, below: 3), 1: .integers(.int64, below: 3)]),
  OperatorSample(DepthToSpace(PixelBlocks(extent: 2, channelsFirst: true)), [[2, 8, 3, 4]]),
  OperatorSample(DepthToSpace(PixelBlocks(extent: 3, channelsFirst: false)), [[2, 18, 2, 1]]),
  OperatorSample(SpaceToDepth(PixelBlocks(extent: 2, channelsFirst: true)), [[2, 4, 4, 6]]),
  OperatorSample(SpaceToDepth(PixelBlocks(extent: 3, channelsFirst: false)), [[2, 2, 3, 6]]),
  OperatorSample(Concatenation(dimension: 1), [image, image, image]),
  OperatorSample(Convolution(window, groups: 2), [image, [6, 2, 3, 3], [6]]),
  OperatorSample(Convolution(Window(kernel: [3], padding: .same)), [[1, 2, 9], [4, 2, 3]]),
  OperatorSample(
    Convolution(Window(kernel: [1, 2, 3], padding: 1)), [[1, 2, 4, 4, 4], [4, 2, 1, 2, 3]]),
  OperatorSample(ConvolutionWeightGradient(window, groups: 2), [image, [2, 6, 3, 3]]),
  OperatorSample(
    CrossEntropy(labelSmoothing: 0.1), [[2, 6], [2]], differentiated: [0], numbers: [1: .classes(6)]
  ),
  OperatorSample(
    CrossEntropyGradient(labelSmoothing: 0.1), [[2, 6], [2], []], differentiated: [],
    numbers: [1: .classes(6)]),
  OperatorSample(Cumulation(.sum, along: 2, isExclusive: true), [image]),
  OperatorSample(Cumulation(.sum, along: 1, isReversed: true), [image]),
  OperatorSample(Dropout(rate: 0.5), [image]),
  OperatorSample(
    DropoutTraining(rate: 0.5, stream: .max), [image, []], differentiated: [0], numbers: [1: .step]),
  OperatorSample(Elementwise(.relu), [image]),
  OperatorSample(Elementwise(.clip(low: -.infinity, high: 6)), [image]),
  OperatorSample(Elementwise(.hardSigmoid(slope: 1 / 6, offset: 0.5)), [image]),
  OperatorSample(ElementwiseGradient(.leakyReLU(slope: 0.01)), [image, image], differentiated: []),
  OperatorSample(
    Gather(.positions(dimension: 1)), [image, [3, 2]], differentiated: [0],
    numbers: [1: .integers(.int64, below: 4)]),
  OperatorSample(
    Gather(.elements(dimension: 2)), [image, [2, 3, 7, 4]], differentiated: [0],
    numbers: [1: .integers(.int32, below: 5)]),
  OperatorSample(
    Gather(.tuples(after: 1)), [image, [2, 3, 2]], differentiated: [0],
    numbers: [1: .integers(.int64, below: 4)]),
  OperatorSample(Linear(), [[2, 8], [5, 8], [5]]),
  OperatorSample(LinearInputGradient(), [[2, 6], [6, 8]]),
  OperatorSample(LinearWeightGradient(), [[2, 8], [2, 5]]),
  OperatorSample(LocalResponseNormalization(size: 5, alpha: 1e-4, beta: 0.75, bias: 1), [image]),
  OperatorSample(
    LocalResponseNormalizationGradient(size: 5, alpha: 1e-4, beta: 0.75, bias: 1), [image, image],
    differentiated: []),
  OperatorSample(MatrixProduct(), [[2, 1, 3, 4], [5, 4, 2]]),
  OperatorSample(
    MomentumUpdate(momentum: 0.9, isNesterov: true, weightDecay: 0.01), [v, v, v, []],
    differentiated: [], numbers: [3: .positive]),
  OperatorSample(
    Pad(before: [0, 0, 1, 2], after: [0, 0, 2, 1], value: -.infinity), [image], losses: []),
  OperatorSample(ParametricReLU(), [image, [4]]),
  OperatorSample(Pooling(.maximum, window: window), [image]),
  OperatorSample(Pooling(.average(countsPadding: true), window: nil), [image]),
  OperatorSample(
    PoolingGradient(pooling: Pooling(.maximum, window: nil)), [image, [2, 4, 1, 1]],
    differentiated: []),
  OperatorSample(
    Recurrence(
      .lstm, functions: [.sigmoid, .tanh, .tanh], isReversed: true, clip: 0.7, couplesGates: true),
    recurrent(gates: 4), differentiated: [], numbers: [6: .integers(.int64, below: 5)]),
  OperatorSample(
    Recurrence(.lstm, functions: [.sigmoid, .tanh, .relu]), recurrent(gates: 4),
    differentiated: [], numbers: [6: .integers(.int64, below: 5)]),
  OperatorSample(
    Recurrence(.gru, functions: [.sigmoid, .tanh], resetsAfterProduct: true), recurrent(gates: 3),
    differentiated: [], numbers: [6: .integers(.int64, below: 5)]),
  OperatorSample(
    Recurrence(.gru, functions: [.sigmoid, .tanh]), recurrent(gates: 3), differentiated: [],
    numbers: [6: .integers(.int64, below: 5)]),
  OperatorSample(
    Recurrence(.plain, functions: [.tanh], isReversed: true), recurrent(gates: 1),
    differentiated: [], numbers: [6: .integers(.int64, below: 5)]),
  OperatorSample(Reduction(.mean, over: [1, 3], keepsDimensions: true), [image]),
  OperatorSample(Remainder(isTruncating: true), [image, [5]], numbers: [1: .positive]),
  OperatorSample(Remainder(isTruncating: false), [image, [5]], numbers: [1: .positive]),
  OperatorSample(
    Remainder(isTruncating: false), [image, [5]], differentiated: [],
    numbers: [0: .integers(.int32, below: 50), 1: .integers(.int32, below: 7)]),
  OperatorSample(Repetition(to: image), [[4, 1, 1]]),
  OperatorSample(Reshape([0, -1]), [image]),
  OperatorSample(Resize(.linear, coordinates: .halfPixel, .extents([3, 7])), [image]),
  OperatorSample(
    Resize(.nearest(.halfDown), coordinates: .asymmetric, .scales([2, 1.5])), [image]),
  OperatorSample(
    ResizeGradient(
      resize: Resize(.linear, coordinates: .alignCorners, .extents([3, 7])), inputExtents: [5, 5]),
    [[2, 4, 3, 7]]),
  OperatorSample(
    RMSpropUpdate(smoothing: 0.9, epsilon: 1e-8, momentum: 0.5, weightDecay: 0), [v, v, v, v, []],
    differentiated: [], numbers: [2: .positive, 4: .positive]),
  OperatorSample(RankShare(.groups, ranks: 2, rank: 1, dimension: 1), [image], differentiated: nil),
  OperatorSample(
    ReduceScatter(.groups, ranks: 2, rank: 1, dimension: 1), [image], differentiated: nil),
  OperatorSample(Replicated(.groups, ranks: 3), [image], differentiated: nil),
  OperatorSample(AxisSlice(dimension: 1, start: 1, end: 4, step: 2), [image]),
  OperatorSample(
    SliceGradient(slice: AxisSlice(dimension: 2, start: 1, end: 3), extent: 9), [[2, 4, 2, 5]]),
  OperatorSample(ScalarMap(.cosine), [image]),
  OperatorSample(ScalarMap(.round), [image], differentiated: []),
  OperatorSample(
    Scatter(.elements(dimension: 1), .add), [image, [2, 3, 5, 4], [2, 3, 5, 4]],
    differentiated: [0, 2], numbers: [1: .integers(.int64, below: 4)]),
  OperatorSample(
    Scatter(.positions(dimension: 1), .add), [image, [3], [2, 3, 5, 5]], differentiated: [0, 2],
    numbers: [1: .integers(.int64, below: 4)]),
  OperatorSample(
    Scatter(.tuples(after: 0), .multiply), [image, [3, 2], [3, 5, 5]], differentiated: [],
    numbers: [1: .integers(.int64, below: 2)]),
  OperatorSample(
    Selection(), [image, [4, 1, 5], [5, 1]], differentiated: [0, 1], numbers: [2: .truths]),
  OperatorSample(Softmax(dimension: 1, isLogarithmic: true), [image]),
  OperatorSample(
    SoftmaxGradient(dimension: 1, isLogarithmic: false), [image, image], differentiated: []),
  OperatorSample(Standardization(over: [1, 3], epsilon: 1e-5), [image]),
  OperatorSample(TopK(2, along: 3), [image], differentiated: []),
  OperatorSample(
    TopK(3, along: 1, keepsLargest: false), [image], differentiated: [],
    numbers: [0: .integers(.uint8, below: 4)]),
  OperatorSample(Transpose(permutation: [0, 2, 3, 1]), [image]),
  OperatorSample(
    TransposedConvolution(window, groups: 2, outputPadding: 1), [image, [4, 3, 3, 3], [6]]),
  OperatorSample(Arithmetic(.subtract), [image, image]),
  OperatorSample(Arithmetic(.divide), [image, []], numbers: [1: .positive]),
  OperatorSample(ChannelShuffle(groups: 4), [image]),
  OperatorSample(Concatenation(dimension: 2), [[2, 4, 1, 5], image]),
  OperatorSample(Concatenation(dimension: 1), [image]),
  OperatorSample(MatrixProduct(), [[2, 2, 3, 4], [4, 5]]),
  OperatorSample(Repetition(to: image), [[1, 4, 1, 5]]),
  OperatorSample(Convolution(Window(kernel: [2, 2])), [image, [6, 4, 2, 2], [6]]),
  OperatorSample(
    Convolution(Window(kernel: [3, 3], padding: 1), groups: 4), [image, [4, 1, 3, 3]]),
  OperatorSample(Dropout(rate: 0), [[2, 6]]),
  OperatorSample(Elementwise(.affine(scale: 1, offset: 0)), [image]),
  OperatorSample(Elementwise(.step), [image], differentiated: []),
  OperatorSample(Pad(before: [0, 0, 0, 0], after: [0, 0, 0, 0], value: 1), [image]),
  OperatorSample(Pad(before: [0, 1, 0, 0], after: [0, 0, 0, 2], value: 0.5), [image]),
  OperatorSample(ParametricReLU(), [image, [1]]),
  OperatorSample(Reduction(.maximum, over: [2, 3]), [image], differentiated: []),
  OperatorSample(Reduction(.sum, over: [0]), [image]),
  OperatorSample(
    Reduction(.minimum, over: [1, 2, 3], keepsDimensions: true), [image], differentiated: []),
  OperatorSample(Reduction(.minimum, over: [2, 3]), [image], differentiated: []),
  OperatorSample(Reduction(.product, over: [2]), [image], differentiated: []),
  OperatorSample(
    Reduction(.mean, over: [0, 3]), [image], differentiated: [],
    numbers: [0: .integers(.int32, below: 9)]),
  OperatorSample(
    Reduction(.minimum, over: [1]), [image], differentiated: [], numbers: [0: .truths]),
  OperatorSample(Reshape([0, -1]), [[2, 6]]),
  OperatorSample(Reshape([0, 2, -1]), [image]),
  OperatorSample(AxisSlice(dimension: 3, start: 0, end: 4), [image]),
  OperatorSample(Softmax(dimension: 2, isLogarithmic: false), [image]),
  OperatorSample(Standardization(over: [1], epsilon: 1e-5), [image]),
  OperatorSample(Transpose(permutation: [0, 1, 2, 3]), [image]),
  OperatorSample(Transpose(permutation: [1, 0, 2, 3]), [image]),
  OperatorSample(Transpose(permutation: [0, 1, 3, 2]), [image]),
]

/// The inputs of a recurrence of four steps and two sequences.
private func recurrent(gates: Int) -> [Shape] {
  [[4, 2, gates * 3], [gates * 3, 3], [3], [3, 3], [2, 3], [2, 3], [2]]
}

private let v: Shape = [3, 2]
private let image: Shape = [2, 4, 5, 5]
private let window = Window(
  kernel: [3, 3], stride: 2, padding: .explicit(before: [1, 1], after: [1, 1]))

/// A graph of every sample side by side, with parameters of all kinds, a constant and an update.
func graphOfEveryOperator() throws -> Graph {
  let builder = GraphBuilder()
  for (index, sample) in operatorSamples.enumerated() {
    let inputs = sample.inputs.enumerated().map { position, shape in
      let type = sample.elementType(ofInput: position)
      return position == 0
        ? builder.input("input\(index)", shape, type: type)
        : builder.parameter(
          "parameter\(index).\(position)", shape, type: type, Parameter(.he))
    }
    let outputs = sample.apply(to: inputs, in: builder)
    for (position, output) in outputs.enumerated() {
      builder.output("output\(index).\(position)", output)
    }
  }
  let initializers: [Initializer] = [
    .constant(0.1), .he, .glorot, .normal(deviation: 1e-3), .constant(.infinity),
  ]
  for (index, initializer) in initializers.enumerated() {
    let parameter = Parameter(initializer, isTrainable: index % 2 == 0)
    let weights = builder.parameter("weights\(index)", [2, 2], parameter)
    builder.update(weights, to: weights.scaled(by: 1 / 3))
  }
  let table = try Tensor([2, 2], [0.1, -.infinity, .leastNonzeroMagnitude, 3e38])
  builder.output("constant", builder.constant(table).relu())
  return try builder.finish()
}
