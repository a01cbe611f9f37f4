import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct LocalResponseNormalizationPlanTests {
  @Test(arguments: [false, true]) func matchesReference(hasGradients: Bool) throws {
    var random = Random(seed: 51)
    for _ in 0..<100 {
      let rank = 1 + random.below(3)
      let extents = (0..<rank).map { _ in 1 + random.below(rank == 1 ? 12 : 4) }
      let builder = GraphBuilder()
      let image = randomImage(
        builder, channels: [1, 3, 16, 58, 116], extents: extents, &random)
      var result = image.localResponseNormalization(
        size: 1 + random.below(9), alpha: [1e-4, 0.5, 2][random.below(3)],
        beta: [0.75, 0.75, 0.5, 1.3, -1][random.below(5)], bias: [1, 2][random.below(2)])
      if random.below(2) == 0 {
        result = result.convolution(3, kernel: 3, padding: 1)
      }
      let graph: Graph
      if hasGradients {
        graph = try finishWithGradients(builder, of: result)
      } else {
        builder.output("result", result)
        graph = try builder.finish()
      }
      try expectPlanMatchesReference(graph, random: &random)
    }
  }

  /// A window over more channels than there are.
  @Test(arguments: [1, 5, 33]) func wideWindows(channels: Int) throws {
    var random = Random(seed: 52)
    let builder = GraphBuilder()
    let image = builder.input("image", [2, channels, 3, 5])
    let graph = try finishWithGradients(
      builder, of: image.localResponseNormalization(size: 200, alpha: 1))
    try expectPlanMatchesReference(graph, random: &random)
  }
}
