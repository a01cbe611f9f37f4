import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct ParametricReLUPlanTests {
  /// A ReLU with a learnt slope, one for all channels or one for each, perhaps after a convolution.
  static func bent(_ random: inout Random) -> (image: Value, slope: Value, result: Value) {
    let builder = GraphBuilder()
    let shape = randomImageShape(&random, rank: random.below(4))
    let image = builder.input("image", shape)
    let channels = [1, 3, 16, 58][random.below(4)]
    let value = shape.rank > 2 ? image.maybeConvolved(channels, &random) : image
    let count = random.below(3) == 0 ? 1 : value.shape[1]
    let slope = builder.parameter("slope", [count], Parameter(.constant(0)))
    return (image, slope, value.applying(ParametricReLU(), [slope]))
  }

  @Test func images() throws {
    var random = Random(seed: 51)
    for _ in 0..<150 {
      let (image, _, bent) = Self.bent(&random)
      let result = bent.shape.rank > 2 ? bent.maybeConvolved(bent.shape[1], &random) : bent
      let graph = try image.builder.finish(withGradientsOf: result, to: [image])
      try expectPlanMatchesReference(graph, random: &random)
    }
  }

  /// What comes in is positive, so that the terms of a slope's gradient have one sign: a sum in which
  /// they cancel is off by more than its own size can tell.
  @Test func slopes() throws {
    var random = Random(seed: 52)
    for _ in 0..<100 {
      let (image, slope, bent) = Self.bent(&random)
      let graph = try image.builder.finish(withGradientsOf: bent, to: [slope])
      try expectPlanMatchesReference(graph, random: &random) { name, random in
        name == "seed" ? random.uniform() : random.normal()
      }
    }
  }
}
