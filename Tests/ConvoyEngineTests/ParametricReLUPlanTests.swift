import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct ParametricReLUPlanTests {
  /// One slope for all channels or one for each, between convolutions.
  @Test func images() throws {
    var random = Random(seed: 51)
    for _ in 0..<150 {
      let builder = GraphBuilder()
      let shape = randomImageShape(&random, rank: random.below(4))
      let image = builder.input("image", shape)
      let channels = [1, 3, 16, 58][random.below(4)]
      let value = shape.rank > 2 ? image.maybeConvolved(channels, &random) : image
      let count = random.below(3) == 0 ? 1 : value.shape[1]
      let slope = builder.parameter("slope", [count], Parameter(.constant(0)))
      let bent = value.applying(ParametricReLU(), [slope])
      let result = shape.rank > 2 ? bent.maybeConvolved(value.shape[1], &random) : bent
      let graph = try builder.finish(withGradientsOf: result, to: [image])
      try expectPlanMatchesReference(graph, random: &random)
    }
  }
}
