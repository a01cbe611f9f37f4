import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct SoftmaxPlanTests {
  /// Lines of many lengths, side by side in fewer than 16, exactly 16, and more.
  static func randomShape(_ random: inout Random) -> Shape {
    Shape((0..<1 + random.below(4)).map { _ in [1, 2, 3, 7, 10, 16, 17, 40][random.below(8)] })
  }

  /// Scores from far apart to close together, and labels that are classes.
  static func value(_ name: String, _ random: inout Random) -> Float {
    name == "labels" ? 0 : random.normal() * [1, 10, 60][random.below(3)]
  }

  @Test(arguments: [false, true]) func softmax(isLogarithmic: Bool) throws {
    var random = Random(seed: 31)
    for _ in 0..<200 {
      let shape = Self.randomShape(&random)
      let dimension = random.below(shape.rank)
      let builder = GraphBuilder()
      let x = builder.input("x", shape)
      let y = isLogarithmic ? x.logSoftmax(dimension: dimension) : x.softmax(dimension: dimension)
      builder.output("y", y)
      let seed = builder.input("seed", shape)
      // Where one probability is nearly 1 the gradient is a difference of numbers as large as the
      // seed; with the seed added, errors are measured against that.
      let gradient = builder.gradients(of: y * seed, withRespectTo: [x])[0]
      builder.output("gradient", gradient + seed)
      try expectPlanMatchesReference(
        try builder.finish(), random: &random, values: Self.value)
    }
  }

  /// A loss of random scores and labels, with its gradient.
  static func lossGraph(_ random: inout Random) throws -> Graph {
    let classes = [1, 2, 3, 10, 16, 17, 58][random.below(7)]
    let rest = (0..<random.below(3)).map { _ in 1 + random.below(9) }
    let builder = GraphBuilder()
    let batch = 1 + random.below(5)
    let scores = builder.input("scores", Shape([batch, classes] + rest))
    let labels = builder.input(
      "labels", Shape([batch] + rest), type: [.int32, .int64, .float32][batch % 3])
    let smoothing: Float = [0, 0.1, 1, random.uniform()][random.below(4)]
    let loss = scores.crossEntropy(with: labels, labelSmoothing: smoothing)
    builder.output("loss", loss)
    let seed = builder.input("seed", [])
    builder.output("gradient", builder.gradients(of: loss * seed, withRespectTo: [scores])[0])
    return try builder.finish()
  }

  @Test func crossEntropy() throws {
    var random = Random(seed: 32)
    for _ in 0..<300 {
      let graph = try Self.lossGraph(&random)
      let classes = graph[graph.inputs[0]].shape[1]
      try expectPlanMatchesReference(graph, random: &random) { name, random in
        name == "labels" ? Float(random.below(classes)) : Self.value(name, &random)
      }
    }
  }

  /// Labels that are no class, and scores that are no numbers.
  @Test func extremes() throws {
    var random = Random(seed: 33)
    for _ in 0..<200 {
      let graph = try Self.lossGraph(&random)
      let classes = graph[graph.inputs[0]].shape[1]
      let odd: [Float] = [-1, 0.5, .nan, .infinity, Float(classes), 1e30, -0.0]
      try expectPlanMatchesReference(graph, random: &random) { name, random in
        switch name {
        case "labels":
          random.below(6) == 0 ? odd[random.below(odd.count)] : Float(random.below(classes))
        case "scores":
          random.below(20) == 0
            ? [-.infinity, .infinity, .nan, 1e4, -1e4][random.below(random.below(2) * 4 + 1)]
            : random.normal()
        default: random.normal()
        }
      }
    }
  }

  /// Behind a linear layer, whose scores come in planes; and more labels than one chunk takes.
  @Test func lossOfANetwork() throws {
    var random = Random(seed: 34)
    for batch in [1, 3, 400] {
      let builder = GraphBuilder()
      let image = builder.input("image", [batch, 5])
      let labels = builder.input("labels", [batch], type: .int32)
      let loss = image.linear(101).crossEntropy(with: labels, labelSmoothing: 0.1)
      builder.output("loss", loss)
      let parameters = builder.graph.parameters.map(builder.value)
      // A bias has a gradient that is a reduction; the weights' is a kernel of its own.
      let gradients = builder.gradients(of: loss, withRespectTo: [image, parameters[0]])
      builder.output("image gradient", gradients[0])
      builder.output("weight gradient", gradients[1])
      try expectPlanMatchesReference(try builder.finish(), random: &random) { name, random in
        name == "labels" ? Float(random.below(101)) : random.normal()
      }
    }
  }
}
