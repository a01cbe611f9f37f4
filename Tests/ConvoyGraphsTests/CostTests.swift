import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct CostTests {
  static func network() throws -> Network {
    try Network(input: [3, 32, 32]) { image in
      image
        .convolution(96, kernel: 5, padding: 2, name: "conv1").relu().maxPooling(2)
        .convolution(128, kernel: 3, padding: 1, groups: 2, bias: false, name: "conv2")
        .batchNormalization(name: "norm")
        .globalAveragePooling().flattened().linear(10, name: "scores")
    }
  }

  @Test func countsAsTheFormulasSay() throws {
    let costs = try Self.network().cost
    let layers = Dictionary(uniqueKeysWithValues: costs.layers.map { ($0.name, $0) })
    #expect(layers["conv1"]?.cost.parameters == 96 * 3 * 25 + 96)
    #expect(layers["conv1"]?.cost.multiplyAdds == 32 * 32 * 96 * 25 * 3)
    #expect(
      layers["conv1"]?.cost.bytes == 4 * (3 * 1024 + 96 * 75 + 96 + 96 * 1024))
    #expect(layers["conv1"]?.groups == 1)
    #expect(layers["conv2"]?.cost.parameters == 128 * 48 * 9)
    #expect(layers["conv2"]?.cost.multiplyAdds == 16 * 16 * 128 * 9 * 48)
    #expect(layers["conv2"]?.groups == 2)
    #expect(layers["conv2"]?.label == "3×3 g2")
    #expect(layers["conv2"]?.outputShape == [1, 128, 16, 16])
    // Scale and shift are trained, the running statistics are not.
    #expect(layers["norm"]?.cost.parameters == 2 * 128)
    #expect(layers["norm"]?.cost.multiplyAdds == 0)
    #expect(layers["norm"]?.groups == nil)
    #expect(
      layers["scores"]?.cost
        == Cost(
          parameters: 1290, multiplyAdds: 1280, bytes: 4 * (128 + 1280 + 10 + 10)))
    let sum = costs.layers.reduce(Cost()) { $0 + $1.cost }
    #expect(costs.total == sum)
    #expect(try Self.network().graph.cost == sum)
  }

  @Test func workGrowsWithTheBatchAndParametersDoNot() throws {
    let graph = try Self.network().graph
    let three = try graph.resized(batch: 3)
    #expect(three.cost.multiplyAdds == 3 * graph.cost.multiplyAdds)
    #expect(three.cost.parameters == graph.cost.parameters)
  }

  @Test func sharedWeightsCountOnce() throws {
    let network = try Network(input: [4, 8, 8]) { image in
      let once = image.convolution(4, kernel: 3, padding: 1, name: "shared")
      return once.convolution(4, kernel: 3, padding: 1, name: "shared")
    }
    let layers = network.cost.layers
    #expect(layers.map(\.cost.parameters) == [4 * 4 * 9 + 4, 0])
    #expect(layers[0].cost.multiplyAdds == layers[1].cost.multiplyAdds)
  }

  @Test func unreasonableCostsSaturate() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 1, 1 << 20, 1 << 20])
    let weights = builder.input("weights", [1, 1, 1 << 19, 1 << 19])
    builder.output("y", image.convolution(weights: weights))
    builder.output("z", image.convolution(weights: weights))
    let cost = try builder.finish().cost
    #expect(cost.multiplyAdds == Int.max)
    let output = (1 << 19 + 1) * (1 << 19 + 1)
    #expect(cost.bytes == 2 * 4 * (1 << 40 + 1 << 38 + output))
  }

  @Test func printsATable() throws {
    let network = try Network(input: [3, 8, 8]) {
      $0.convolution(16, kernel: 3, groups: 1, name: "conv").relu()
    }
    #expect(
      network.cost.description == """
        layer              output    parameters  multiply-adds  bytes
        ─────────────────────────────────────────────────────────────
        conv         3×3   1×16×6×6         448         15,552  4,864
        elementwise  ReLU  1×16×6×6           0              0  4,608
        ─────────────────────────────────────────────────────────────
        total                               448         15,552  9,472

        \(NetworkCost.convention)
        """)
  }
}
