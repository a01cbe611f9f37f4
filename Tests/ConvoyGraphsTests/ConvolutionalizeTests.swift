import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct ConvolutionalizeTests {
  /// Two convolutions and a pooling that together move 2 pixels a step, then a head of two layers.
  static func network() throws -> Network {
    try Network(input: [2, 10, 12]) { image in
      image
        .convolution(3, kernel: 3, name: "conv1").relu()
        .convolution(4, kernel: 3, groups: 1, name: "conv2").maxPooling(2)
        .flattened().dropout().linear(6, name: "fc1").parametricReLU(name: "prelu")
        .linear(5, name: "fc2").softmax()
    }
  }

  func operators(_ model: Model) -> [String] {
    model.graph.nodes.map { type(of: $0.operation).name }
  }

  /// The same numbers, with extents of 1 behind.
  func expectSame(_ maps: ReferenceTensor, _ flat: ReferenceTensor) {
    #expect(maps.shape.dimensions == flat.shape.dimensions + [1, 1])
    expectClose(ReferenceTensor(flat.shape, maps.elements), flat)
  }

  @Test func sameOutputsAtTheOriginalSize() throws {
    var random = Random(seed: 1)
    let model = try Model(trained: Self.network(), seed: 1)
    let maps = try model.convolutionalized()
    let operators = operators(maps)
    #expect(!operators.contains("linear") && !operators.contains("reshape"))
    #expect(Set(maps.parameters.keys) == Set(model.parameters.keys))
    #expect(maps.parameters["fc1.weight"]?.shape == [6, 4, 3, 4])
    #expect(maps.parameters["fc2.weight"]?.shape == [5, 6, 1, 1])
    _ = try Model(maps.graph, parameters: maps.parameters)
    let image = ReferenceTensor(normal: [1, 2, 10, 12], using: &random)
    expectSame(try maps.outputsByReference(image)[0], try model.outputsByReference(image)[0])
  }

  @Test func mapsSayWhatTheNetworkSaysOfEachCrop() throws {
    var random = Random(seed: 2)
    let model = try Model(trained: Self.network(), seed: 2)
    let image = ReferenceTensor(normal: [1, 2, 14, 15], using: &random)
    let maps = try model.convolutionalized()
    let larger = try Model(
      maps.graph.resized(["image": image.shape]), parameters: maps.parameters)
    let map = try larger.outputsByReference(image)[0]
    #expect(map.shape == [1, 5, 3, 2])
    for y in 0..<3 {
      for x in 0..<2 {
        let rows = AxisSlice(dimension: 2, start: 2 * y, end: 2 * y + 10)
        let columns = AxisSlice(dimension: 3, start: 2 * x, end: 2 * x + 12)
        let crop = try referenceOutputs(of: columns, referenceOutputs(of: rows, [image]))[0]
        let expected = try model.outputsByReference(crop)[0]
        for c in 0..<5 { #expect(abs(map[[0, c, y, x]] - expected[[0, c]]) < 1e-12) }
      }
    }
  }

  @Test func afterAGlobalPoolingLayersAreOneByOne() throws {
    let network = try Network(input: [2, 6, 6]) { image in
      image.convolution(4, kernel: 3, name: "conv").globalAveragePooling().flattened()
        .linear(3, name: "fc").batchNormalization(name: "norm")
    }
    var random = Random(seed: 3)
    let model = try Model(trained: network, seed: 3)
    let maps = try model.convolutionalized()
    #expect(maps.parameters["fc.weight"]?.shape == [3, 4, 1, 1])
    let image = ReferenceTensor(normal: [1, 2, 6, 6], using: &random)
    expectSame(try maps.outputsByReference(image)[0], try model.outputsByReference(image)[0])
    let larger = try maps.graph.resized(["image": [2, 2, 9, 7]])
    #expect(larger[larger.outputs[0].value].shape == [2, 3, 1, 1])
  }

  @Test func squeezeAndExcitationStaysWhole() throws {
    let network = try Network(input: [4, 5, 5]) { image in
      let convolved = image.convolution(4, kernel: 3, padding: 1, name: "conv")
      let weights = convolved.globalAveragePooling().flattened()
        .linear(2, name: "squeeze").relu().linear(4, name: "excite").sigmoid()
        .reshaped([0, 4, 1, 1])
      return convolved * weights
    }
    var random = Random(seed: 4)
    let model = try Model(trained: network, seed: 4)
    let maps = try model.convolutionalized()
    #expect(!operators(maps).contains("reshape"))
    let image = ReferenceTensor(normal: [1, 4, 5, 5], using: &random)
    expectClose(try maps.outputsByReference(image)[0], try model.outputsByReference(image)[0])
  }

  @Test func branchesOfTheHeadStayTogether() throws {
    let network = try Network(input: [2, 4, 4]) { image in
      let features = image.convolution(3, kernel: 3, name: "conv").flattened()
      let (a, b) = (features.linear(4, name: "a"), features.linear(4, name: "b"))
      return concatenate([a + b, (a * b).scaled(by: 2)]).linear(2, bias: false, name: "c")
    }
    var random = Random(seed: 5)
    let model = try Model(trained: network, seed: 5)
    let maps = try model.convolutionalized()
    let image = ReferenceTensor(normal: [1, 2, 4, 4], using: &random)
    expectSame(try maps.outputsByReference(image)[0], try model.outputsByReference(image)[0])
  }

  @Test func weightsThatOthersReadKeepTheirShape() throws {
    let builder = GraphBuilder()
    let image = builder.input("image", [1, 2, 2, 2])
    builder.output("y", image.flattened().linear(3, name: "fc"))
    let weights = Value(
      builder: builder, id: try #require(builder.graph.value(named: "fc.weight")))
    builder.output("z", weights.sum(over: [1]))
    let model = try Model(trained: Network(try builder.finish()), seed: 6)
    let maps = try model.convolutionalized()
    #expect(maps.parameters["fc.weight"]?.shape == [3, 8])
    var random = Random(seed: 6)
    let x = ReferenceTensor(normal: [1, 2, 2, 2], using: &random)
    expectSame(try maps.outputsByReference(x)[0], try model.outputsByReference(x)[0])
    #expect(try maps.outputsByReference(x)[1] == model.outputsByReference(x)[1])
  }

  @Test func networksWithoutAHeadStayAsTheyAre() throws {
    for network in [
      try Network(input: [2, 6, 6]) { $0.convolution(3, kernel: 3).globalAveragePooling() },
      try Network(input: [2, 6, 6]) { $0.convolution(3, kernel: 3).flattened() },
      try Network(input: [8]) { $0.linear(4).relu().linear(2) },
    ] {
      let model = network.initialized(seed: 7)
      #expect(try model.convolutionalized().graph.json() == model.graph.json())
    }
  }

  @Test func namesWhatHasNoCounterpart() throws {
    let normalized = try Network(input: [2, 4, 4]) { image in
      image.flattened().batchNormalization(name: "norm").linear(3, name: "fc")
    }
    let fixed = try Network(input: [2, 4, 4]) { image in
      image.flattened().linear(4, name: "fc").reshaped([0, 2, 2])
    }
    for (network, message) in [
      (
        normalized,
        "norm works on a flattened image, and batchNormalization there has no counterpart on maps."
      ),
      (
        fixed,
        "reshape_2 works on a flattened image, and reshape there has no counterpart on maps."
      ),
    ] {
      let error = #expect(throws: ConvoyError.self) {
        try network.initialized(seed: 8).convolutionalized()
      }
      #expect(error?.message == message)
    }
  }
}
