import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct BatchNormalizationTests {
  static let images: [Shape] = [
    [2, 3, 3, 2], [3, 58, 1, 1], [2, 116, 2], [5, 3], [1, 1, 2, 2],
  ]

  @Test(arguments: images)
  func gradientsMatchDifferences(_ image: Shape) throws {
    var random = Random(seed: 21)
    let channels: Shape = [image[1]]
    try expectGradientsMatchDifferences(
      of: BatchNormalization(epsilon: 1e-3, momentum: 0.1),
      inputs: [image, channels, channels, channels, channels], random: &random
    ) { index, random in index == 4 ? 0.5 + random.uniform() : random.normal() }
  }

  @Test(arguments: images)
  func trainingGradientsMatchDifferences(_ image: Shape) throws {
    var random = Random(seed: 22)
    // The statistics are outputs too; a loss may depend on any of them.
    for outputs in [[0], [1], [2], [0, 1, 2]] {
      for activation in [nil, ScalarFunction.tanh] {
        try expectGradientsMatchDifferences(
          of: BatchNormalizationTraining(epsilon: 0.5, activation: activation),
          inputs: [image, [image[1]], [image[1]]],
          differentiated: outputs.contains(0) ? nil : [0], differentiatedOutputs: outputs,
          random: &random)
      }
    }
  }

  @Test(arguments: images)
  func trainingGivesMeanZeroAndVarianceOne(_ shape: Shape) throws {
    var random = Random(seed: 23)
    let image = ReferenceTensor(Tensor(normal: shape, mean: 5, deviation: 3, using: &random))
    let channels: Shape = [shape[1]]
    let (one, zero) = (ReferenceTensor(channels, repeating: 1), ReferenceTensor(channels))
    let training = BatchNormalizationTraining(epsilon: 0)
    let normal = try referenceOutputs(of: training, [image, one, zero])
    let again = try referenceOutputs(of: training, [normal[0], one, zero])
    expectClose(again[1], zero, tolerance: 1e-9)
    expectClose(again[2], one, tolerance: 1e-9)
  }

  @Test func runningWithTheBatchsStatisticsEqualsTraining() throws {
    var random = Random(seed: 24)
    for shape in Self.images {
      let image = ReferenceTensor(normal: shape, using: &random)
      let scale = ReferenceTensor(normal: [shape[1]], using: &random)
      let shift = ReferenceTensor(normal: [shape[1]], using: &random)
      let trained = try referenceOutputs(
        of: BatchNormalizationTraining(epsilon: 1e-5), [image, scale, shift])
      let run = try referenceOutputs(
        of: BatchNormalization(epsilon: 1e-5, momentum: 0.1),
        [image, scale, shift, trained[1], trained[2]])
      expectClose(run[0], trained[0])
    }
  }

  /// An activation goes into the batch norm before it only where nothing else reads what is between.
  @Test func activationsAreFused() throws {
    let network = try Network(input: [3, 4, 4]) { image in
      let first = image.convolution(4, kernel: 1).batchNormalization(name: "first").relu()
      let second = first.convolution(4, kernel: 1).batchNormalization(name: "second")
      return second.silu() + second
    }
    let plain = try network.graph.resized(batch: 2).inTrainingForm()
    let fused = try plain.fusingNormalizationsWithActivations()
    let activations = fused.nodes.compactMap {
      ($0.operation as? BatchNormalizationTraining)?.activation
    }
    #expect(activations == [.relu])
    #expect(fused.nodes.count == plain.nodes.count - 1)
    var random = Random(seed: 25)
    let image = ReferenceTensor(normal: [2, 3, 4, 4], using: &random)
    let results = try [plain, fused].map {
      try $0.outputsByReference(["image": image]).values.map(\.elements)
    }
    #expect(results[0] == results[1])
  }

  @Test func trainingMovesTheRunningStatistics() throws {
    let network = try Network(input: [2, 1, 2]) { $0.batchNormalization(momentum: 0.25) }
    let names = network.graph.parameters.map { network.graph[$0].name }
    #expect(
      names
        == ["weight", "bias", "running_mean", "running_var"].map { "batchNormalization1.\($0)" })
    let training = try network.graph.resized(batch: 2).inTrainingForm()
    #expect(training.updates.count == 2)
    // Channel 0 holds 1, 3, 5, 7; channel 1 four times 2.
    let image = ReferenceTensor([2, 2, 1, 2], [1, 3, 2, 2, 5, 7, 2, 2])
    let moved = try training.updatesByReference(["image": image])
    expectClose(
      try #require(moved["batchNormalization1.running_mean"]),
      ReferenceTensor([2], [0.25 * 4, 0.25 * 2]))
    // The biased variance of 1, 3, 5, 7 is 5; the unbiased one 20 ∕ 3.
    expectClose(
      try #require(moved["batchNormalization1.running_var"]),
      ReferenceTensor([2], [0.75 + 0.25 * 20 / 3, 0.75]), tolerance: 1e-6)
  }

  @Test func runningStatisticsAreNotTrainable() throws {
    let graph = try Network(input: [3, 4, 4]) { $0.batchNormalization(name: "norm") }.graph
    let trainable = graph.parameters.filter { id in
      if case .parameter(let parameter) = graph[id].origin { parameter.isTrainable } else { false }
    }
    #expect(trainable.map { graph[$0].name } == ["norm.weight", "norm.bias"])
  }

  @Test func statisticsThatAreConstantsStay() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [2, 3, 4])
    let vector = builder.constant(Tensor([3], repeating: 1))
    builder.output(
      "y",
      image.applying(
        BatchNormalization(epsilon: 0, momentum: 0.1), [vector, vector, vector, vector]))
    let training = try builder.finish().inTrainingForm()
    #expect(training.updates.isEmpty)
    #expect(training.nodes.map { type(of: $0.operation).name } == ["batchNormalizationTraining"])
  }

  @Test func refusesASingleValuePerChannelInTraining() throws {
    let graph = try Network(input: [8, 1, 1]) { $0.batchNormalization() }.graph
    let error = #expect(throws: ConvoyError.self) { try graph.inTrainingForm() }
    #expect(
      error?.message
        == "batchNormalization1.training: expected more than 1 value per channel in training, "
        + "got an image of shape 1×8×1×1.")
  }

  @Test func refusals() {
    let operation = BatchNormalization(epsilon: 1e-5, momentum: 0.1)
    expectRefusal(
      of: operation, inputs: [[2, 3, 4], [3], [3], [4], [3]],
      "expected a mean of shape 3, one number a channel, got 4")
    expectRefusal(of: operation, inputs: [[2, 3, 4], [3]], "expected 5 inputs, got 2")
    expectRefusal(
      of: operation, inputs: [[3], [3], [3], [3], [3]],
      "expected an image of shape batch×channels×extents, with at most 3 extents, got 3")
    expectRefusal(
      of: operation, inputs: [[2, 3, 1, 1, 1, 4], [3], [3], [3], [3]],
      "expected an image of shape batch×channels×extents, with at most 3 extents, got 2×3×1×1×1×4")
    expectRefusal(
      of: BatchNormalization(epsilon: -1, momentum: 0.1),
      inputs: [[2, 3], [3], [3], [3], [3]], "expected an epsilon of at least 0, got -1.0")
    expectRefusal(
      of: BatchNormalization(epsilon: 0, momentum: 2),
      inputs: [[2, 3], [3], [3], [3], [3]], "expected a momentum from 0 to 1, got 2.0")
    expectRefusal(
      of: BatchNormalizationGradient(epsilon: 0),
      inputs: [[2, 3], [3], [3], [3], [3], [2, 4]], "expected a gradient of shape 2×3, got 2×4")
  }
}
