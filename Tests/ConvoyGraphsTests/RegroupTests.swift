import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct RegroupTests {
  /// Every reason to be divided, or not to be.
  static func network() throws -> Network {
    try Network(input: [3, 12, 12]) { image in
      image
        .convolution(16, kernel: 5, padding: 2, name: "first").relu()
        .convolution(32, kernel: 3, padding: 1, name: "dense").relu()
        .convolution(32, kernel: 3, padding: 1, groups: 32, name: "depthwise")
        .convolution(32, kernel: 3, padding: 1, groups: 2, name: "grouped")
        .transposedConvolution(8, kernel: 2, stride: 2, name: "upwards")
        .convolution(10, kernel: 1, name: "scores").globalAveragePooling()
    }
  }

  @Test func dividesWhatCanBeAndSaysWhyNot() throws {
    let graph = try Self.network().graph
    let regrouping = try graph.regrouped(4)
    let layers = Dictionary(uniqueKeysWithValues: regrouping.layers.map { ($0.name, $0) })
    #expect(
      regrouping.layers.map(\.name) == [
        "first", "dense", "depthwise", "grouped", "upwards", "scores",
      ])
    #expect(
      layers.mapValues { $0.after.groups } == [
        "first": 1, "dense": 4, "depthwise": 32, "grouped": 4, "upwards": 4, "scores": 1,
      ])
    #expect(
      layers.mapValues(\.refusal) == [
        "first": "its 3 input channels do not divide into 4 groups", "dense": nil,
        "depthwise": "it is depthwise: each of its 32 input channels is a group", "grouped": nil,
        "upwards": nil, "scores": "its 10 output channels do not divide into 4 groups",
      ])
    // N·K²·M∕G weights and N biases; H·W·N·K²·M∕G multiply-adds.
    #expect(layers["dense"]?.after.cost.parameters == 32 * 9 * 16 / 4 + 32)
    #expect(layers["dense"]?.after.cost.multiplyAdds == 12 * 12 * 32 * 9 * 16 / 4)
    #expect(layers["grouped"]?.after.cost.parameters == 32 * 9 * 32 / 4 + 32)
    #expect(layers["upwards"]?.after.cost.parameters == 8 * 4 * 32 / 4 + 8)
    let names = regrouping.graph.parameters.map { regrouping.graph[$0].name }
    #expect(names == graph.parameters.map { graph[$0].name })
  }

  @Test func groupsAreOnlyAdded() throws {
    let graph = try Self.network().graph
    for groups in [1, 2] {
      let regrouping = try graph.regrouped(groups)
      for layer in regrouping.layers {
        #expect((layer.after.groups ?? 0) >= (layer.before.groups ?? 0), "\(layer.name)")
      }
    }
    let one = try graph.regrouped(1)
    #expect(one.graph.cost == graph.cost)
    #expect(one.layers.allSatisfy { !$0.isChanged })
    #expect(one.layers[3].refusal == "it has 2 groups already")
    let two = try graph.regrouped(2)
    #expect(two.layers[3].refusal == nil && !two.layers[3].isChanged)
  }

  @Test func onlyTheChosenAreDivided() throws {
    let graph = try Self.network().graph
    let regrouping = try graph.regrouped(4) { $0 == "dense" }
    #expect(regrouping.layers.map(\.name) == ["dense"])
    let before = Dictionary(uniqueKeysWithValues: graph.layerCosts().map { ($0.name, $0) })
    for layer in regrouping.graph.layerCosts() where layer.name != "dense" {
      #expect(layer == before[layer.name])
    }
  }

  /// With G groups, 1∕G of the work, and what the dense network computes with block-diagonal weights.
  @Test func lawsHoldForRandomConvolutions() throws {
    var random = Random(seed: 3)
    for _ in 0..<40 {
      let groups = 1 + random.below(5)
      let (inputs, outputs) = (groups * (1 + random.below(3)), groups * (1 + random.below(3)))
      let kernel = 1 + random.below(3)
      let network = try Network(input: [inputs, 5, 4]) { image in
        image.convolution(
          outputs, kernel: kernel, stride: 1 + random.below(2), padding: .uniform(random.below(2)),
          name: "layer")
      }
      let regrouping = try network.graph.regrouped(groups)
      let layer = try #require(regrouping.layers.first)
      #expect(layer.refusal == nil)
      #expect(layer.after.cost.multiplyAdds * groups == layer.before.cost.multiplyAdds)
      #expect(
        (layer.after.cost.parameters - outputs) * groups == layer.before.cost.parameters - outputs)

      let weights = Tensor(
        normal: [outputs, inputs / groups, kernel, kernel], using: &random)
      let image = ReferenceTensor(normal: [1, inputs, 5, 4], using: &random)
      let divided = try regrouping.graph.outputsByReference([
        "image": image, "layer.weight": ReferenceTensor(weights),
      ])
      let dense = try network.graph.outputsByReference([
        "image": image,
        "layer.weight": ReferenceTensor(try blockDiagonalWeights(weights, groups: groups)),
      ])
      expectClose(
        try #require(divided["scores"]), try #require(dense["scores"]), tolerance: 1e-9)
    }
  }

  @Test func sharedWeightsStayWhole() throws {
    let network = try Network(input: [4, 8, 8]) { image in
      image.convolution(4, kernel: 3, padding: 1, name: "shared")
        .convolution(4, kernel: 3, padding: 1, name: "shared")
    }
    let regrouping = try network.graph.regrouped(2)
    #expect(
      regrouping.layers.map(\.refusal)
        == Array(repeating: "its weights are not parameters of this layer alone", count: 2))
    #expect(regrouping.graph.cost == network.graph.cost)
  }

  @Test(arguments: [0, -3, Int.min]) func refusesFewerThanOneGroup(groups: Int) throws {
    let graph = try Self.network().graph
    let error = #expect(throws: ConvoyError.self) { try graph.regrouped(groups) }
    #expect(error?.message == "Expected at least 1 group, got \(groups).")
  }

  @Test func manyGroupsAreRefusedByTheLayersOnly() throws {
    let regrouping = try Self.network().graph.regrouped(.max)
    #expect(regrouping.layers.allSatisfy { $0.refusal != nil })
  }
}
