import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct ReductionPlanTests {
  static let functions: [Reduction.Function] = [.sum, .mean, .maximum]

  /// Some dimensions of a rank, perhaps none.
  static func dimensions(_ rank: Int, _ random: inout Random) -> [Int] {
    (0..<rank).filter { _ in random.below(2) == 0 }
  }

  @Test(arguments: functions) func rowMajor(function: Reduction.Function) throws {
    var random = Random(seed: 21)
    for _ in 0..<200 {
      let shape = (0..<1 + random.below(6)).map { _ in 1 + random.below(7) }
      let builder = GraphBuilder()
      let input = builder.input("x", Shape(shape))
      let reduction = Reduction(
        function, over: Self.dimensions(shape.count, &random),
        keepsDimensions: random.below(2) == 0)
      builder.output("y", input.applying(reduction))
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  @Test(arguments: functions) func planes(function: Reduction.Function) throws {
    var random = Random(seed: 22)
    for _ in 0..<200 {
      let rank = 1 + random.below(3)
      let extents = (0..<rank).map { _ in 1 + random.below(6) }
      let builder = GraphBuilder()
      let image = builder.input("x", Shape([1 + random.below(3), 2] + extents))
        .convolution([3, 16, 58][random.below(3)], kernel: 1)
      // Another reader's padding gives the planes a halo, which no reduction may read.
      builder.output("z", image.convolution(2, kernel: 3, padding: 1))
      let all = Array(0..<rank + 2)
      let dimensions = [
        all, all.filter { $0 != 1 }, Array(2..<rank + 2), Self.dimensions(rank + 2, &random),
      ][random.below(4)]
      let reduction = Reduction(
        function, over: dimensions, keepsDimensions: random.below(2) == 0)
      builder.output("y", image.applying(reduction))
      if dimensions == Array(2..<rank + 2), reduction.keepsDimensions {
        builder.output("next", image.applying(reduction).convolution(5, kernel: 3, padding: 1))
      }
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  @Test func longSumsDoNotDrift() throws {
    var random = Random(seed: 23)
    let builder = GraphBuilder()
    let flat = builder.input("flat", [3, 1 << 18])
    builder.output("all", flat.mean())
    builder.output("rows", flat.mean(over: [1]))
    let tall = builder.input("tall", [1 << 17, 19])
    builder.output("columns", tall.mean(over: [0]))
    let image = builder.input("image", [2, 1, 300, 300]).convolution(3, kernel: 1, bias: false)
    builder.output("channels", image.mean(over: [0, 2, 3]))
    builder.output("images", image.mean(over: [2, 3]))
    builder.output("total", image.mean())
    // Numbers of one sign: added one by one in floats, their sums would be off by 1e-5 and more.
    try expectPlanMatchesReference(
      try builder.finish(), tolerance: 1e-6, random: &random,
      values: { _, random in 1 + random.uniform() })
  }

  @Test(arguments: [Reduction.Function.sum, .mean]) func gradients(
    function: Reduction.Function
  ) throws {
    var random = Random(seed: 24)
    for _ in 0..<100 {
      let rank = 1 + random.below(3)
      let extents = (0..<rank).map { _ in 1 + random.below(5) }
      let builder = GraphBuilder()
      let input = builder.input("x", Shape([1 + random.below(3), 3] + extents))
      let image = input.convolution(17, kernel: 1)
      let result = image.applying(
        Reduction(function, over: Self.dimensions(rank + 2, &random)))
      let weights = builder.input("seed", result.shape)
      let wanted = [input] + builder.graph.parameters.map(builder.value)
      let gradients = builder.gradients(of: (result * weights).sum(), withRespectTo: wanted)
      for (value, gradient) in zip(wanted, gradients) {
        builder.output("\(value.name) gradient", gradient)
      }
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }
}
