import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct LossTests {
  @Test(
    arguments: [
      ([3, 4], [3]), ([2, 3, 2, 2], [2, 2, 2]), ([1, 58], [1]), ([2, 1], [2]),
    ] as [(Shape, Shape)])
  func gradientsMatchDifferences(_ scores: Shape, _ labels: Shape) throws {
    var random = Random(seed: 61)
    for labelSmoothing: Float in [0, 0.1, 1] {
      try expectGradientsMatchDifferences(
        of: CrossEntropy(labelSmoothing: labelSmoothing), inputs: [scores, labels],
        differentiated: [0], random: &random
      ) { index, random in index == 0 ? random.normal() : Float(random.below(scores[1])) }
    }
  }

  /// log(1 + e⁻¹ + e⁻²) by hand for scores 1, 2, 3 and the last label.
  @Test func knownValues() throws {
    let scores = ReferenceTensor([1, 3], [1, 2, 3])
    let label = ReferenceTensor([1], [2])
    for (labelSmoothing, loss): (Float, Double) in [(0, 0.4076059644), (0.1, 0.5076059644)] {
      let result = try referenceOutputs(
        of: CrossEntropy(labelSmoothing: labelSmoothing), [scores, label])
      expectClose(result[0], ReferenceTensor([], [loss]), tolerance: 1e-8)
    }
  }

  @Test func withoutSmoothingItIsTheMeanNegativeLogarithm() throws {
    var random = Random(seed: 62)
    let scores = ReferenceTensor(normal: [4, 58, 3], using: &random)
    let labels = ReferenceTensor([4, 3], (0..<12).map { _ in Double(random.below(58)) })
    let logarithms = try referenceOutputs(
      of: Softmax(dimension: 1, isLogarithmic: true), [scores])[0]
    let sum = labels.shape.indices.reduce(0.0) { sum, position in
      sum - logarithms[[position[0], Int(labels[position]), position[1]]]
    }
    expectClose(
      try referenceOutputs(of: CrossEntropy(labelSmoothing: 0), [scores, labels])[0],
      ReferenceTensor([], [sum / 12]))
  }

  @Test func equalScoresCostTheLogarithmOfTheNumberOfClasses() throws {
    let scores = ReferenceTensor([2, 8], repeating: 3)
    let labels = ReferenceTensor([2], [0, 7])
    for labelSmoothing: Float in [0, 0.3, 1] {
      let loss = try referenceOutputs(
        of: CrossEntropy(labelSmoothing: labelSmoothing), [scores, labels])
      expectClose(loss[0], ReferenceTensor([], [3 * 0.6931471805599453]))
    }
  }

  @Test(arguments: [-1, 3, 0.5, .nan, .infinity])
  func aLabelThatIsNoClassMakesNaN(_ label: Double) throws {
    let scores = ReferenceTensor([2, 3], [1, 2, 3, 4, 5, 6])
    let labels = ReferenceTensor([2], [1, label])
    let operation = CrossEntropy(labelSmoothing: 0)
    #expect(try referenceOutputs(of: operation, [scores, labels])[0].elements[0].isNaN)
    let gradient = try referenceOutputs(
      of: CrossEntropyGradient(labelSmoothing: 0),
      [scores, labels, ReferenceTensor([], [1])])
    #expect(gradient[0].elements.map(\.isNaN) == [false, false, false, true, true, true])
  }

  @Test func minusInfinityElsewhereIsNoLoss() throws {
    let scores = ReferenceTensor([1, 2], [0, -.infinity])
    let loss = try referenceOutputs(
      of: CrossEntropy(labelSmoothing: 0), [scores, ReferenceTensor([1], [0])])
    #expect(loss[0].elements == [0])
  }

  @Test func refusals() {
    let operation = CrossEntropy(labelSmoothing: 0)
    expectRefusal(
      of: operation, inputs: [[2, 10, 4], [2]],
      "expected labels of shape 2×4 for scores of 2×10×4, got 2")
    expectRefusal(
      of: operation, inputs: [[2], [2]], "expected scores of shape batch×classes, got 2")
    expectRefusal(
      of: CrossEntropy(labelSmoothing: 1.5), inputs: [[2, 10], [2]],
      "expected a label smoothing from 0 to 1, got 1.5")
    expectRefusal(
      of: CrossEntropyGradient(labelSmoothing: 0), inputs: [[2, 10], [2], [1]],
      "expected a gradient of shape scalar, got 1")
  }

  @Test func meanSquaredErrorIsTheMeanOfSquares() throws {
    let builder = GraphBuilder()
    let (a, b) = (builder.input("a", [2, 2]), builder.input("b", [2, 2]))
    let loss = a.meanSquaredError(to: b)
    #expect(loss.shape == [])
    builder.output("loss", loss)
    builder.output("gradient", builder.gradients(of: loss, withRespectTo: [a])[0])
    let outputs = try builder.finish().outputsByReference([
      "a": ReferenceTensor([2, 2], [1, 2, 3, 4]), "b": ReferenceTensor([2, 2], [1, 0, 4, 8]),
    ])
    #expect(outputs["loss"]?.elements == [5.25])
    #expect(outputs["gradient"]?.elements == [0, 1, -0.5, -2])
  }

  @Test func meanSquaredErrorRefusesToBroadcast() {
    let builder = GraphBuilder()
    let (a, b) = (builder.input("a", [2, 3]), builder.input("b", [3]))
    builder.output("loss", a.meanSquaredError(to: b))
    #expect(
      builder.failure?.message == "meanSquaredError: expected a target of shape 2×3, got 3.")
  }
}
