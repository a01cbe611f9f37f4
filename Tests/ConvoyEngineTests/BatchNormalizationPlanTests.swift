import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct BatchNormalizationPlanTests {
  /// Normal numbers; variances above 0.
  static func values(_ name: String, _ random: inout Random) -> Float {
    name.hasSuffix("variance") ? 0.2 + random.uniform() : random.normal()
  }

  static func image(_ builder: GraphBuilder, _ random: inout Random) -> Value {
    let rank = random.below(4)
    let extents = (0..<rank).map { _ in 1 + random.below(rank == 3 ? 3 : 6) }
    guard extents.isEmpty else { return randomImage(builder, extents: extents, &random) }
    return builder.input("image", [1 + random.below(3), 1 + random.below(40)])
  }

  @Test(arguments: [false, true]) func inference(hasGradients: Bool) throws {
    var random = Random(seed: 41)
    for _ in 0..<100 {
      let builder = GraphBuilder()
      let image = Self.image(builder, &random)
      let channels = image.shape[1]
      let vectors = ["scale", "shift", "mean", "variance"].map {
        builder.parameter($0, [channels], Parameter(.constant(1)))
      }
      var result = image.applying(BatchNormalization(epsilon: 1e-3, momentum: 0.1), vectors)
      if random.below(2) == 0, result.shape.rank > 2 {
        result = result.relu().convolution(4, kernel: 3, padding: 1)
      }
      let graph: Graph
      if hasGradients {
        graph = try finishWithGradients(builder, of: result)
      } else {
        builder.output("result", result)
        graph = try builder.finish()
      }
      try expectPlanMatchesReference(graph, random: &random, values: Self.values)
    }
  }

  /// Smooth ones, and some whose kinks random numbers hardly meet.
  static let activations: [ScalarFunction?] = [
    nil, .relu, .clip(low: 0, high: 6), .silu, .leakyReLU(slope: 0.25), .softplus,
  ]

  /// The result and statistics, and gradients through all three.
  @Test func training() throws {
    var random = Random(seed: 42)
    var count = 0
    while count < 120 {
      let builder = GraphBuilder()
      let image = Self.image(builder, &random)
      // The gradient of two equal numbers' deviation is all rounding.
      guard image.shape.elementCount > 3 * image.shape[1] else { continue }
      count += 1
      let channels = image.shape[1]
      let vectors = ["scale", "shift"].map {
        builder.parameter($0, [channels], Parameter(.constant(1)))
      }
      let activation = Self.activations[random.below(Self.activations.count)]
      let outputs = builder.apply(
        BatchNormalizationTraining(epsilon: 0.1, activation: activation), to: [image] + vectors,
        outputCount: 3)
      builder.output("mean", outputs[1])
      builder.output("variance", outputs[2])
      var result = outputs[0]
      if random.below(2) == 0, result.shape.rank > 2 {
        result = result.convolution(4, kernel: 3, padding: 1)
      }
      try expectPlanMatchesReference(
        try finishWithGradients(builder, of: result), tolerance: 5e-5, random: &random,
        values: Self.values)
    }
  }

  /// Images of several parts, whose mean is large beside their deviation.
  @Test func largeMeans() throws {
    var random = Random(seed: 43)
    let builder = GraphBuilder()
    let image = builder.input("image", [3, 18, 40, 31])
    let vectors = ["scale", "shift"].map { builder.parameter($0, [18], Parameter(.constant(1))) }
    let outputs = builder.apply(
      BatchNormalizationTraining(epsilon: 1e-5), to: [image] + vectors, outputCount: 3)
    for (name, value) in zip(["result", "mean", "variance"], outputs) {
      builder.output(name, value)
    }
    try expectPlanMatchesReference(
      try builder.finish(), random: &random,
      values: { name, random in name == "image" ? 100 + random.normal() : random.normal() })
  }
}
