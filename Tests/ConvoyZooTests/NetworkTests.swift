import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyZoo

/// Every entry with its defaults, and with each attribute at each end of its range.
private let forms: [String] = Zoo.entries.flatMap { entry in
  [entry.name]
    + entry.attributes.flatMap { attribute in
      extremes(of: attribute.values).map { "\(entry.name)?\(attribute.key)=\($0)" }
    }
}

private func extremes(of values: ZooAttribute.Values) -> [String] {
  switch values {
  case .wholeNumbers(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
  case .numbers(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
  case .groups(let choices, _): choices.map(String.init)
  }
}

@Suite struct NetworkTests {
  @Test(arguments: forms) func everyFormBuilds(specification: String) throws {
    let network = try Zoo.network(specification)
    #expect(network.graph.inputs.count == 1)
    #expect(network.graph.outputs.map(\.name) == ["scores"])
  }

  @Test(arguments: Zoo.entries.map(\.name), [1, 10, 1000])
  func scoresAreOneForEachClass(name: String, classes: Int) throws {
    let graph = try Zoo.network("\(name)?classes=\(classes)").graph.resized(batch: 2)
    let scores = try #require(graph.outputs.first?.value)
    #expect(graph[scores].shape == [2, classes])
  }

  @Test(arguments: Zoo.entries.map(\.name))
  func trainingFormKeepsShapesAndParameters(name: String) throws {
    let graph = try Zoo.network(name).graph.resized(batch: 2)
    let training = try graph.inTrainingForm()
    let before = try #require(graph.outputs.first?.value)
    let after = try #require(training.outputs.first?.value)
    #expect(training[after].shape == graph[before].shape)
    #expect(training.cost.parameters == graph.cost.parameters)
    #expect(training.cost.multiplyAdds == graph.cost.multiplyAdds)
  }

  @Test func squeezeNetHasTorchvisionsNames() throws {
    let names = try parameterNames("squeezenet-1.1")
    #expect(
      names.prefix(8) == [
        "features.0.weight", "features.0.bias",
        "features.3.squeeze.weight", "features.3.squeeze.bias",
        "features.3.expand1x1.weight", "features.3.expand1x1.bias",
        "features.3.expand3x3.weight", "features.3.expand3x3.bias",
      ])
    #expect(names.suffix(2) == ["classifier.1.weight", "classifier.1.bias"])
    let fires = names.filter { $0.hasSuffix("squeeze.weight") }.map { $0.split(separator: ".")[1] }
    #expect(fires == ["3", "4", "6", "7", "9", "10", "11", "12"])
    #expect(names.count == 52)
  }

  @Test func alexNetHasThePapersNames() throws {
    let layers = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    #expect(try parameterNames("alexnet") == layers.flatMap { ["\($0).weight", "\($0).bias"] })
  }

  private func parameterNames(_ specification: String) throws -> [String] {
    let graph = try Zoo.network(specification).graph
    return graph.parameters.map { graph[$0].name }
  }
}

/// What the networks' maps look like on the way: the papers' own figures.
@Suite struct MapTests {
  @Test func alexNetsMapsAreThePapers() throws {
    let layers = try Zoo.network("alexnet").cost.layers
    let shapes = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0.outputShape) })
    #expect(shapes["conv1"] == [1, 96, 55, 55])
    #expect(shapes["conv2"] == [1, 256, 27, 27])
    #expect(shapes["conv3"] == [1, 384, 13, 13])
    #expect(shapes["conv5"] == [1, 256, 13, 13])
    #expect(shapes["pool5"] == [1, 256, 6, 6])
  }

  @Test func poolsOfNetworkInNetworkRoundUp() throws {
    let layers = try Zoo.network("nin").cost.layers
    let shapes = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0.outputShape) })
    #expect(shapes["pool1"] == [1, 96, 16, 16])
    #expect(shapes["pool2"] == [1, 192, 8, 8])
  }
}

/// Whole networks by the references, small enough for nested loops in Double.
@Suite struct ReferenceRunTests {
  @Test(arguments: ["lenet?size=12", "alexnet-small?size=4", "alexnet-small?size=4&groups=4"])
  func scoresOfAnImageDoNotDependOnItsBatch(specification: String) throws {
    let model = try Zoo.network(specification).initialized(seed: 5)
    let single = try #require(model.graph.inputs.first.map { model.graph[$0].shape })
    var random = Random(seed: 6)
    let images = (0..<2).map { _ in
      ReferenceTensor(Tensor(normal: single, deviation: 1, using: &random))
    }
    let both = ReferenceTensor(
      Shape([2] + single.dimensions.dropFirst()), images.flatMap(\.elements))
    let alone = try images.map { try scores(of: $0, by: model).elements }
    #expect(try scores(of: both, by: model).elements == alone[0] + alone[1])
    // Not by chance: a network that is cut off gives every image the same scores.
    #expect(alone[0] != alone[1])
    #expect(alone[0].allSatisfy { $0.isFinite })
  }

  private func scores(of images: ReferenceTensor, by model: Model) throws -> ReferenceTensor {
    let graph = try model.graph.resized(batch: images.shape[0])
    let image = try #require(graph.inputs.first)
    var given = [image: images]
    for id in graph.parameters {
      let tensor = try #require(model.parameters[graph[id].name])
      given[id] = ReferenceTensor(tensor)
    }
    let known = graph.evaluatedByReference(given)
    let scores = try #require(graph.outputs.first?.value)
    return try #require(known[scores])
  }
}
