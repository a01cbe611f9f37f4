import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct LinearTests {
  /// Batch, features, outputs.
  static let cases = [(2, 3, 4), (1, 58, 3), (3, 1, 1), (2, 5, 116)]

  @Test(arguments: cases)
  func gradientsMatchDifferences(_ batch: Int, _ features: Int, _ outputs: Int) throws {
    var random = Random(seed: 81)
    try expectGradientsMatchDifferences(
      of: Linear(), inputs: [[batch, features], [outputs, features], [outputs]], random: &random)
    try expectGradientsMatchDifferences(
      of: Linear(), inputs: [[batch, features], [outputs, features]], random: &random)
    try expectGradientsMatchDifferences(
      of: LinearInputGradient(), inputs: [[batch, outputs], [outputs, features]],
      random: &random)
    try expectGradientsMatchDifferences(
      of: LinearWeightGradient(), inputs: [[batch, features], [batch, outputs]],
      random: &random)
  }

  @Test(arguments: cases)
  func isAConvolutionOfMapsOfOnePixel(_ batch: Int, _ features: Int, _ outputs: Int) throws {
    var random = Random(seed: 82)
    let x = ReferenceTensor(normal: [batch, features], using: &random)
    let weights = ReferenceTensor(normal: [outputs, features], using: &random)
    let bias = ReferenceTensor(normal: [outputs], using: &random)
    let linear = try referenceOutputs(of: Linear(), [x, weights, bias])[0]
    let convolved = try referenceOutputs(
      of: Convolution(Window(kernel: [1, 1])),
      [
        ReferenceTensor([batch, features, 1, 1], x.elements),
        ReferenceTensor([outputs, features, 1, 1], weights.elements), bias,
      ])[0]
    expectClose(linear, ReferenceTensor(linear.shape, convolved.elements))
  }

  @Test(arguments: cases)
  func allThreeCostTheSameMultiplyAdds(_ batch: Int, _ features: Int, _ outputs: Int) {
    let (x, w, y): (Shape, Shape, Shape) = (
      [batch, features], [outputs, features], [batch, outputs]
    )
    let product = batch * features * outputs
    #expect(Linear().multiplyAdds(inputs: [x, w], outputs: [y]) == product)
    #expect(LinearInputGradient().multiplyAdds(inputs: [y, w], outputs: [x]) == product)
    #expect(LinearWeightGradient().multiplyAdds(inputs: [x, y], outputs: [w]) == product)
  }

  @Test func builds() throws {
    let graph = try Network(input: [3, 4, 4]) {
      $0.flattened().linear(7, name: "fc").relu().linear(2, bias: false)
    }.graph
    #expect(graph.parameters.map { graph[$0].name } == ["fc.weight", "fc.bias", "linear1.weight"])
    #expect(graph.parameters.map { graph[$0].shape } == [[7, 48], [7], [2, 7]])
    #expect(graph[graph.outputs[0].value].shape == [1, 2])
  }

  @Test func refusals() {
    expectRefusal(
      of: Linear(), inputs: [[2, 3, 1], [4, 3]],
      "expected features of shape batch×features, got 2×3×1")
    expectRefusal(
      of: Linear(), inputs: [[2, 3], [4, 5]], "expected weights of shape outputs×3, got 4×5")
    expectRefusal(
      of: Linear(), inputs: [[2, 3], [4, 3], [3]], "expected a bias of shape 4, got 3")
    expectRefusal(
      of: LinearInputGradient(), inputs: [[2, 3], [4, 5]],
      "expected weights of shape 3×features, got 4×5")
    expectRefusal(
      of: LinearWeightGradient(), inputs: [[2, 3], [4, 5]],
      "expected a gradient of shape 2×outputs, got 4×5")
    let error = #expect(throws: ConvoyError.self) {
      try Network(input: [3, 4, 4]) { $0.linear(10) }
    }
    #expect(error?.message == "linear1: expected features of shape batch×features, got 1×3×4×4.")
  }
}
