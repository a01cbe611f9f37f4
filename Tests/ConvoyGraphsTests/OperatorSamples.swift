import ConvoyTensors

@testable import ConvoyGraphs

/// Each operator once, or more often where its attributes differ, with shapes that it accepts.
let operatorSamples: [(operation: any Operator, inputs: [Shape])] = [
  (AdamUpdate(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01), [v, v, v, v, [], []]),
  (Arithmetic(.add), [[2, 3, 4, 4], [3, 1, 1]]),
  (BatchNormalization(epsilon: 1e-5, momentum: 0.1), [image, [4], [4], [4], [4]]),
  (BatchNormalizationTraining(epsilon: 1e-5), [image, [4], [4]]),
  (BatchNormalizationTraining(epsilon: 1e-5, activation: .silu), [image, [4], [4]]),
  (BatchNormalizationGradient(epsilon: 1e-5), [image, [4], [4], [4], [4], image]),
  (
    BatchNormalizationGradient(epsilon: 1e-5, activation: .clip(low: 0, high: 6)),
    [image, [4], [4], [4], [4], image]
  ),
  (
    SynchronizedBatchNormalization(
      BatchNormalizationTraining(epsilon: 1e-5, activation: .silu), ranks: 3),
    [image, [4], [4]]
  ),
  (
    SynchronizedBatchNormalizationGradient(BatchNormalizationGradient(epsilon: 1e-5), ranks: 3),
    [image, [4], [4], [4], [4], image]
  ),
  (AllGather(.groups, ranks: 3, rank: 1, dimension: 1, isRepeated: true), [image]),
  (AllReduce(.data, ranks: 3), [image]),
  (AllReduceBegin(.data, ranks: 3), [image, [4]]),
  (AllReduceEnd(.data, ranks: 3, shapes: [[2, 3], [4]]), [[10]]),
  (Broadcast(.data, ranks: 3, root: 2), [image]),
  (ChannelShuffle(groups: 2), [image]),
  (Concatenation(dimension: 1), [image, image, image]),
  (Convolution(window, groups: 2), [image, [6, 2, 3, 3], [6]]),
  (Convolution(Window(kernel: [3], padding: .same)), [[1, 2, 9], [4, 2, 3]]),
  (Convolution(Window(kernel: [1, 2, 3], padding: 1)), [[1, 2, 4, 4, 4], [4, 2, 1, 2, 3]]),
  (ConvolutionWeightGradient(window, groups: 2), [image, [2, 6, 3, 3]]),
  (CrossEntropy(labelSmoothing: 0.1), [[2, 5], [2]]),
  (CrossEntropyGradient(labelSmoothing: 0.1), [[2, 5], [2], []]),
  (Dropout(rate: 0.5), [image]),
  (DropoutTraining(rate: 0.5, stream: .max), [image, []]),
  (Elementwise(.relu), [image]),
  (Elementwise(.clip(low: -.infinity, high: 6)), [image]),
  (Elementwise(.hardSigmoid(slope: 1 / 6, offset: 0.5)), [image]),
  (ElementwiseGradient(.leakyReLU(slope: 0.01)), [image, image]),
  (Linear(), [[2, 8], [5, 8], [5]]),
  (LinearInputGradient(), [[2, 5], [5, 8]]),
  (LinearWeightGradient(), [[2, 8], [2, 5]]),
  (LocalResponseNormalization(size: 5, alpha: 1e-4, beta: 0.75, bias: 1), [image]),
  (LocalResponseNormalizationGradient(size: 5, alpha: 1e-4, beta: 0.75, bias: 1), [image, image]),
  (MatrixProduct(), [[2, 1, 3, 4], [5, 4, 2]]),
  (MomentumUpdate(momentum: 0.9, isNesterov: true, weightDecay: 0.01), [v, v, v, []]),
  (Pad(before: [0, 0, 1, 2], after: [0, 0, 2, 1], value: -.infinity), [image]),
  (ParametricReLU(), [image, [4]]),
  (Pooling(.maximum, window: window), [image]),
  (Pooling(.average(countsPadding: true), window: nil), [image]),
  (PoolingGradient(pooling: Pooling(.maximum, window: nil)), [image, [2, 4, 1, 1]]),
  (Reduction(.mean, over: [1, 3], keepsDimensions: true), [image]),
  (Repetition(to: image), [[4, 1, 1]]),
  (Reshape([0, -1]), [image]),
  (Resize(.linear, coordinates: .halfPixel, .extents([3, 7])), [image]),
  (Resize(.nearest(.halfDown), coordinates: .asymmetric, .scales([2, 1.5])), [image]),
  (
    ResizeGradient(
      resize: Resize(.linear, coordinates: .alignCorners, .extents([3, 7])), inputExtents: [5, 5]),
    [[2, 4, 3, 7]]
  ),
  (RMSpropUpdate(smoothing: 0.9, epsilon: 1e-8, momentum: 0.5, weightDecay: 0), [v, v, v, v, []]),
  (RankShare(.groups, ranks: 2, rank: 1, dimension: 1), [image]),
  (ReduceScatter(.groups, ranks: 2, rank: 1, dimension: 1), [image]),
  (Replicated(.groups, ranks: 3), [image]),
  (Slice(dimension: 1, start: 1, end: 4, step: 2), [image]),
  (SliceGradient(slice: Slice(dimension: 2, start: 1, end: 3), extent: 9), [[2, 4, 2, 5]]),
  (Softmax(dimension: 1, isLogarithmic: true), [image]),
  (SoftmaxGradient(dimension: 1, isLogarithmic: false), [image, image]),
  (Standardization(over: [1, 3], epsilon: 1e-5), [image]),
  (Transpose(permutation: [0, 2, 3, 1]), [image]),
  (TransposedConvolution(window, groups: 2, outputPadding: 1), [image, [4, 3, 3, 3], [6]]),
]

private let v: Shape = [3, 2]
private let image: Shape = [2, 4, 5, 5]
private let window = Window(
  kernel: [3, 3], stride: 2, padding: .explicit(before: [1, 1], after: [1, 1]))

/// A graph of every sample side by side, with parameters of all kinds, a constant and an update.
func graphOfEveryOperator() throws -> Graph {
  let builder = GraphBuilder()
  for (index, sample) in operatorSamples.enumerated() {
    let inputs = sample.inputs.enumerated().map { position, shape in
      position == 0
        ? builder.input("input\(index)", shape)
        : builder.parameter("parameter\(index).\(position)", shape, Parameter(.he))
    }
    let outputs = applied(sample.operation, to: inputs, in: builder)
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

private func applied(
  _ operation: some Operator, to inputs: [Value], in builder: GraphBuilder
) -> [Value] {
  builder.apply(operation, to: inputs)
}
