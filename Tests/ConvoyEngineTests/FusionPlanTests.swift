import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

/// Functions that the operator before them applies.
@Suite struct FusionPlanTests {
  /// A sum or product and its function, in planes behind a convolution and row-major without one.
  @Test(arguments: [true, false]) func arithmetic(isConvolved: Bool) throws {
    var random = Random(seed: 61)
    for _ in 0..<6 {
      let builder = GraphBuilder()
      let shape = Shape([1 + random.below(2), 1 + random.below(20), 5, 1 + random.below(9)])
      let (a, b) = (builder.input("a", shape), builder.input("b", shape))
      let x = isConvolved ? a.convolution(shape[1], kernel: 1) : a
      let sum = random.below(2) == 0 ? x + b : x * b
      builder.output("y", random.below(2) == 0 ? sum.relu() : sum.silu())
      let graph = try builder.finish()
      try expectPlanMatchesReference(graph, random: &random)
    }
  }
}
