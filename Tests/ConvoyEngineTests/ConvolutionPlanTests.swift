import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@Suite struct ConvolutionPlanTests {
  /// A random convolution of a random image, in 1, 2 or 3 dimensions.
  static func randomGraph(_ random: inout Random, isTransposed: Bool) throws -> Graph {
    let rank = 1 + random.below(3)
    let groups = [1, 1, 2, 3, 4, 8, 16, 29][random.below(8)]
    let inputs = groups * [1, 2, 3, 4, 5, 16][random.below(groups > 4 ? 4 : 6)]
    let outputs = groups * [1, 2, 3, 8, 16][random.below(groups > 4 ? 3 : 5)]
    let kernel = (0..<rank).map { _ in 1 + random.below(rank == 3 ? 3 : 5) }
    let stride = (0..<rank).map { _ in 1 + random.below(3) }
    let dilation = (0..<rank).map { _ in 1 + random.below(2) }
    var before = (0..<rank).map { _ in random.below(3) }
    var after = (0..<rank).map { _ in random.below(3) }
    let span = (0..<rank).map { (kernel[$0] - 1) * dilation[$0] + 1 }
    let extents: [Int]
    if isTransposed {
      extents = (0..<rank).map { _ in 1 + random.below(5) }
      before = (0..<rank).map { min(before[$0], (span[$0] - 1) / 2) }
      after = (0..<rank).map { min(after[$0], (span[$0] - 1) / 2) }
    } else {
      extents = (0..<rank).map { max(1, span[$0] - before[$0] - after[$0]) + random.below(6) }
    }
    let builder = GraphBuilder()
    let image = builder.input("image", Shape([1 + random.below(3), inputs] + extents))
    let padding = Padding.explicit(before: before, after: after)
    let hasBias = random.below(2) == 0
    let result =
      isTransposed
      ? image.transposedConvolution(
        outputs, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
        groups: groups, bias: hasBias)
      : image.convolution(
        outputs, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
        groups: groups, bias: hasBias)
    builder.output("result", result)
    return try builder.finish()
  }

  @Test func forward() throws {
    var random = Random(seed: 11)
    for _ in 0..<300 {
      let graph = try Self.randomGraph(&random, isTransposed: false)
      try expectPlanMatchesReference(graph, random: &random)
    }
  }

  @Test func transposed() throws {
    var random = Random(seed: 12)
    for _ in 0..<200 {
      let graph = try Self.randomGraph(&random, isTransposed: true)
      try expectPlanMatchesReference(graph, random: &random)
    }
  }

  @Test(arguments: [false, true]) func gradients(isTransposed: Bool) throws {
    var random = Random(seed: 13)
    for _ in 0..<150 {
      let forward = try Self.randomGraph(&random, isTransposed: isTransposed)
      let builder = GraphBuilder(forward)
      let output = builder.value(forward.outputs[0].value)
      let weights = builder.input("seed", output.shape)
      let wanted = (forward.inputs + forward.parameters).map(builder.value)
      let gradients = builder.gradients(of: (output * weights).sum(), withRespectTo: wanted)
      for (value, gradient) in zip(wanted, gradients) {
        builder.output("\(value.name) gradient", gradient)
      }
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// Of a thousand classes with the same weights none is ahead of another, not even by a last bit: the
  /// sums of a last plane that is not full are made as all others.
  @Test(arguments: Machine.available) func equalWeightsMakeEqualScores(
    _ machine: Machine
  ) throws {
    var random = Random(seed: 14)
    for (classes, features) in [(1000, 512), (1001, 96), (520, 1000)] {
      let builder = GraphBuilder()
      let image = builder.input("image", [2, features])
      let row = Tensor(normal: [features], using: &random).elements
      let weights = builder.parameter("weights", [classes, features], Parameter(.he))
      builder.output("scores", image.applying(Linear(), [weights]))
      var options = CompileOptions()
      options.machine = machine
      let plan = try builder.finish().compiled(
        parameters: [
          "weights": Tensor(
            [classes, features], Array(repeating: row, count: classes).flatMap(\.self))
        ], options: options)
      let scores = try plan(Tensor(normal: [2, features], using: &random)).elements
      for image in [scores[..<classes], scores[classes...]] {
        #expect(Set(image).count == 1, "\(classes) classes of \(features) on \(machine.name)")
      }
    }
  }
}
