import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct ImageShapeTests {
  static func network() throws -> Network {
    try Network(input: [3, 16, 16]) { image in
      concatenate([
        image.convolution(8, kernel: 3, padding: 1, name: "a"),
        image.convolution(8, kernel: 1, name: "b"),
      ])
      .convolution(4, kernel: 3, name: "c").globalAveragePooling().flattened()
      .linear(5, name: "d")
    }
  }

  @Test func otherExtentsChangeTheMaps() throws {
    let graph = try Self.network().graph.accepting(image: [3, 20, 24])
    #expect(graph[graph.inputs[0]].shape == [1, 3, 20, 24])
    #expect(graph.layerCosts()[0].outputShape == [1, 8, 20, 24])
    #expect(graph.cost.parameters == (try Self.network()).graph.cost.parameters)
  }

  @Test func otherChannelsChangeTheWeightsThatMeetThem() throws {
    let before = try Self.network().graph.layerCosts()
    let after = try Self.network().graph.accepting(image: [1, 16, 16]).layerCosts()
    #expect(before[0].cost.parameters == 8 * 3 * 9 + 8)
    #expect(after[0].cost.parameters == 8 * 9 + 8)
    #expect(after[1].cost.parameters == 8 + 8)
    #expect(after[3...] == before[3...])
  }

  @Test func whatDoesNotFitIsNamed() throws {
    let flat = try Network(input: [1, 8, 8]) { $0.flattened().linear(2, name: "fc") }.graph
    for (graph, shape, message) in [
      (
        flat, [1, 9, 8],
        "The network takes no image of 1×9×8: fc: expected weights of shape outputs×72, got 2×64."
      ),
      (flat, [8, 8], "The network takes 1×1×8×8, which can be no image of 8×8."),
      (
        try Self.network().graph, [3, 2, 1],
        "The network takes no image of 3×2×1: c: "
      ),
    ] as [(Graph, Shape, String)] {
      let error = #expect(throws: ConvoyError.self) { try graph.accepting(image: shape) }
      #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
      #expect(error?.kind == .argument)
    }
  }
}
