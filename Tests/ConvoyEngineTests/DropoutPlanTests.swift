import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct DropoutPlanTests {
  /// Dropouts before, between and after convolutions.
  static func randomGraph(_ random: inout Random, isTraining: Bool) throws -> Graph {
    let builder = GraphBuilder()
    let rank = [1, 2, 2, 3][random.below(4)]
    let shape = randomImageShape(&random, rank: rank)
    let channels = [3, 16, 58][random.below(3)]
    let step = isTraining ? builder.input("step", [], type: .int64) : nil
    func drop(_ value: Value) -> Value {
      let rate: Float = [0, 0.5, 0.9, random.uniform()][random.below(4)]
      guard let step else { return value.dropout(rate) }
      return value.applying(DropoutTraining(rate: rate, stream: random.next()), [step])
    }
    let image = builder.input("image", shape)
    var value = image.maybeConvolved(channels, &random)
    for _ in 0...random.below(2) {
      value = drop(value).maybeConvolved(value.shape[1], &random)
      if random.below(3) == 0 { value = value.relu() }
    }
    return try builder.finish(withGradientsOf: drop(value), to: [image])
  }

  @Test(arguments: [false, true]) func images(isTraining: Bool) throws {
    var random = Random(seed: 41)
    for _ in 0..<80 {
      let graph = try Self.randomGraph(&random, isTraining: isTraining)
      try expectPlanMatchesReference(graph, random: &random) { name, random in
        name == "step" ? Float(random.below(1 << 20)) : random.normal()
      }
    }
  }

  /// Tensors of any rank, with steps that are no steps, and numbers that are none where they are dropped.
  @Test func dense() throws {
    var random = Random(seed: 42)
    let steps: [Float] = [0, 1, 16_777_216, 2.75, -3, .nan, 1e15]
    for _ in 0..<100 {
      let shape = Shape((0..<random.below(4)).map { _ in 1 + random.below(15) })
      let builder = GraphBuilder()
      let training = DropoutTraining(rate: random.uniform(), stream: random.next())
      builder.output(
        "result",
        builder.input("x", shape).applying(
          training, [builder.input("step", [], type: [.int32, .int64, .float32][random.below(3)])]))
      try expectPlanMatchesReference(try builder.finish(), random: &random) { name, random in
        name == "step"
          ? steps[random.below(steps.count)] : random.below(9) == 0 ? .nan : random.normal()
      }
    }
  }

  /// Outside training a dropout adds no step and no memory.
  @Test func dropoutIsFree() throws {
    func plan(hasDropout: Bool) throws -> Plan {
      let builder = GraphBuilder()
      var value = builder.input("image", [1, 16, 8, 8]).convolution(16, kernel: 3, padding: 1)
      if hasDropout { value = value.dropout(0.5).dropout(0.1) }
      builder.output("result", value.convolution(8, kernel: 3, padding: 1))
      let graph = try builder.finish()
      return try graph.compiled(parameters: Network(graph).initialized(seed: 1).parameters)
    }
    #expect(try plan(hasDropout: true).arenaBytes == plan(hasDropout: false).arenaBytes)
  }
}
