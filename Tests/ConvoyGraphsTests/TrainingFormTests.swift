import ConvoyTensors
import Testing

@testable import ConvoyGraphs

/// A small network with every kind of layer, from description to the gradients of its parameters.
@Suite struct TrainingFormTests {
  @Test func gradientsOfAWholeNetworkMatchDifferences() throws {
    let network = try Network(input: [3, 6, 6]) { image in
      image
        .convolution(4, kernel: 3, padding: 1, bias: false).batchNormalization()
        .parametricReLU().maxPooling(2).localResponseNormalization(size: 3, alpha: 1)
        .dropout(0.25).averagePooling(2, stride: 1).flattened().linear(5)
    }
    let builder = GraphBuilder(try network.graph.resized(batch: 2).inTrainingForm())
    func value(_ name: String) throws -> Value {
      Value(builder: builder, id: try #require(builder.graph.value(named: name)))
    }
    let scores = Value(builder: builder, id: builder.graph.outputs[0].value)
    let labels = builder.input("labels", [2])
    let loss = scores.crossEntropy(with: labels, labelSmoothing: 0.1)
    let parameters = try [
      "convolution1.weight", "batchNormalization1.weight", "batchNormalization1.bias",
      "parametricReLU1.weight", "linear1.weight", "linear1.bias",
    ].map(value)
    let gradients = builder.gradients(of: loss, withRespectTo: parameters)
    builder.output("loss", loss)
    let graph = try builder.finish()

    var random = Random(seed: 91)
    var given: [ValueID: ReferenceTensor] = [:]
    for id in graph.inputs + graph.parameters {
      given[id] = ReferenceTensor(normal: graph[id].shape, using: &random)
    }
    given[labels.id] = ReferenceTensor([2], [1, 4])
    given[try value("training.step").id] = ReferenceTensor([], [3])
    let known = graph.evaluatedByReference(given)
    for (parameter, gradient) in zip(parameters, gradients) {
      let element = random.below(parameter.shape.elementCount)
      func lossMoved(by delta: Double) throws -> Double {
        var moved = given
        moved[parameter.id]?.elements[element] += delta
        return try #require(graph.evaluatedByReference(moved)[loss.id]).elements[0]
      }
      let difference = (try lossMoved(by: 1e-5) - lossMoved(by: -1e-5)) / 2e-5
      let expected = try #require(known[gradient.id]).elements[element]
      #expect(abs(difference - expected) <= 1e-6 * max(1, abs(expected)), "\(parameter.name)")
      #expect(gradient.shape == parameter.shape)
    }
    // Not by chance: a gradient of zeros would match a network that is cut off.
    for gradient in gradients {
      #expect(try #require(known[gradient.id]).elements.contains { abs($0) > 1e-6 })
    }
  }
}
