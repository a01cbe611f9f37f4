import ConvoyEngine
import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct FoldConstantsTests {
  /// What depends on parameters alone is computed once, and the outputs stay what they were.
  @Test func whatDependsOnParametersBecomesOne() throws {
    var random = Random(seed: 61)
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 6, 5, 4])
    let raw = builder.parameter("raw", [6, 8], Parameter(.he))
    let gain = builder.parameter("gain", [8], Parameter(.he))
    let offset = builder.constant(
      Tensor(normal: [8], using: &random), name: "offset")
    // A matrix that is scaled, transposed and used as a 1×1 convolution's weights.
    let weights = (raw * gain.scaled(by: 2)).transposed([1, 0]).reshaped(to: [8, 6, 1, 1])
    let bias = (gain + offset).applying(.exponential)
    builder.output("y", image.convolution(weights: weights, bias: bias).relu())
    let network = Network(try builder.finish())
    let model = network.initialized(seed: 4)
    let simple = try model.simplified()

    #expect(simple.graph.nodes.count == 2)
    let input = ReferenceTensor(Tensor(normal: [1, 6, 5, 4], using: &random))
    let expected = try model.outputsByReference(input)[0]
    let found = try simple.outputsByReference(input)[0]
    for (a, b) in zip(expected.elements, found.elements) {
      // Each folded number is rounded once, at 6e-8 of it.
      #expect(abs(a - b) <= 1e-6 * (1 + abs(a)))
    }
  }

  /// A parameter that runs change is no constant, and neither is what comes from it.
  @Test func whatRunsChangeStays() throws {
    let builder = GraphBuilder()
    let counter = builder.parameter("counter", [1], Parameter(.constant(0), isTrainable: false))
    let next = counter.scaled(by: 1, offset: 1)
    builder.update(counter, to: next)
    builder.output("next", next)
    let model = Network(try builder.finish()).initialized(seed: 1)
    #expect(try model.simplified().graph.nodes.count == 1)
  }
}
