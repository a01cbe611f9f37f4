import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct SoftmaxTests {
  static let cases: [(shape: Shape, dimension: Int)] = [
    ([2, 3], 1), ([4], 0), ([2, 58, 1, 1], 1), ([3, 2, 2], 2), ([3, 2, 2], 0), ([2, 1, 3], 1),
  ]

  @Test(arguments: cases)
  func gradientsMatchDifferences(_ shape: Shape, _ dimension: Int) throws {
    var random = Random(seed: 41)
    for isLogarithmic in [false, true] {
      try expectGradientsMatchDifferences(
        of: Softmax(dimension: dimension, isLogarithmic: isLogarithmic), inputs: [shape],
        random: &random)
    }
  }

  @Test(arguments: cases)
  func sumsToOneAndHasTheLogarithm(_ shape: Shape, _ dimension: Int) throws {
    var random = Random(seed: 42)
    // Scores whose exponentials would overflow.
    let scores = ReferenceTensor(Tensor(normal: shape, deviation: 1000, using: &random))
    let graph = try graph(shape) {
      let probabilities = $0.softmax(dimension: dimension)
      return [
        "probabilities": probabilities, "sum": probabilities.sum(over: [dimension]),
        "again": $0.logSoftmax(dimension: dimension).exponential(),
        "shifted": $0.scaled(by: 1, offset: 7).softmax(dimension: dimension),
      ]
    }
    let outputs = try graph.outputsByReference(["x": scores])
    let sum = try #require(outputs["sum"])
    expectClose(sum, ReferenceTensor(sum.shape, repeating: 1))
    let probabilities = try #require(outputs["probabilities"])
    expectClose(try #require(outputs["again"]), probabilities)
    expectClose(try #require(outputs["shifted"]), probabilities, tolerance: 1e-9)
  }

  private func graph(_ shape: Shape, _ build: (Value) -> [String: Value]) throws -> Graph {
    let builder = GraphBuilder()
    for (name, value) in build(builder.input("x", shape)) { builder.output(name, value) }
    return try builder.finish()
  }

  @Test func refusals() {
    expectRefusal(
      of: Softmax(dimension: 2, isLogarithmic: false), inputs: [[2, 3]],
      "expected a dimension of the shape 2×3, got 2")
    expectRefusal(
      of: Softmax(dimension: -1, isLogarithmic: true), inputs: [[2, 3]],
      "expected a dimension of the shape 2×3, got -1")
    expectRefusal(
      of: SoftmaxGradient(dimension: 1, isLogarithmic: true), inputs: [[2, 3], [3, 2]],
      "expected a gradient of shape 2×3, got 3×2")
  }
}
