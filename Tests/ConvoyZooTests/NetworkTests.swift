import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyZoo

/// Every entry in each of its forms, with its defaults and with each attribute at each end of its range.
private let forms: [String] = Zoo.entries.flatMap { entry in
  entry.forms.flatMap { form in
    let name = entry.name + (form.map { "?form=\($0)" } ?? "")
    let joint = form == nil ? "?" : "&"
    return [name]
      + entry.attributes.filter { $0.key != "form" }.flatMap { attribute in
        extremes(of: attribute.choice(inForm: form).values)
          .map { "\(name)\(joint)\(attribute.key)=\($0)" }
      }
  }
}

extension ZooEntry {
  /// The words that ask for its forms; nil alone where it has but one.
  var forms: [String?] {
    for case .words(let words) in attributes.filter({ $0.key == "form" }).map(\.values) {
      return words
    }
    return [nil]
  }
}

private func extremes(of values: ZooAttribute.Values) -> [String] {
  switch values {
  case .wholeNumbers(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
  case .numbers(let range): ["\(range.lowerBound)", "\(range.upperBound)"]
  case .oneOf(let numbers): numbers.map { "\($0)" }
  case .groups(let choices, _): choices.map(String.init)
  case .words(let words): words
  }
}

@Suite struct NetworkTests {
  @Test(arguments: forms) func everyFormBuilds(specification: String) throws {
    let network = try Zoo.network(specification)
    #expect(network.graph.inputs.count == 1)
    #expect(network.graph.outputs.map(\.name) == ["scores"])
  }

  /// The smallest size on offer is the smallest that a network can be built for.
  @Test(arguments: Zoo.entries.map(\.name)) func smallerSizesDoNotFit(name: String) throws {
    let entry = try Zoo.entry(named: name)
    for form in entry.forms {
      var values: [String: String] = [:]
      for attribute in entry.attributes {
        values[attribute.key] = attribute.choice(inForm: form).defaultText
      }
      if let form { values["form"] = form }
      let size = try #require(entry.attributes.first { $0.key == "size" })
      guard case .wholeNumbers(let range) = size.choice(inForm: form).values else { continue }
      var smallest = 1
      func builds(_ size: Int) -> Bool {
        values["size"] = "\(size)"
        return (try? entry.network(unchecked: values)) != nil
      }
      while !builds(smallest) { smallest += 1 }
      #expect(range.lowerBound == smallest, "\(name) \(form ?? "")")
    }
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

  /// Table 1 of the paper, and torchvision's last pool, which is smaller.
  @Test(arguments: ["paper", "torchvision"]) func mapsOfGoogLeNet(form: String) throws {
    let layers = try Zoo.network("googlenet?form=\(form)").cost.layers
    let outputs = layers.filter { $0.operatorName == Concatenation.name }.map(\.outputShape)
    let (middle, last) = (Shape([1, 512, 14, 14]), Shape([1, 832, 7, 7]))
    #expect(
      outputs == [
        [1, 256, 28, 28], [1, 480, 28, 28], middle, middle, middle, [1, 528, 14, 14],
        [1, 832, 14, 14], last, [1, 1024, 7, 7],
      ])
  }

  @Test func largeNetworkInNetworksMaps() throws {
    let layers = try Zoo.network("nin?form=imagenet").cost.layers
    let shapes = Dictionary(uniqueKeysWithValues: layers.map { ($0.name, $0.outputShape) })
    #expect(shapes["conv1"] == [1, 96, 54, 54])
    #expect(shapes["pool1"] == [1, 96, 27, 27])
    #expect(shapes["pool3"] == [1, 384, 6, 6])
    #expect(shapes["cccp8"] == [1, 1000, 6, 6])
  }

  /// The forms differ only in where a bottleneck strides.
  @Test func stridesOfResNet() throws {
    func strides(_ specification: String) throws -> [String: [Int]] {
      let graph = try Zoo.network(specification).graph
      let strided = graph.nodes.compactMap { node in
        (node.operation as? Convolution).map { (node.name, $0.window.stride) }
      }
      return Dictionary(uniqueKeysWithValues: strided.filter { $0.1 == [2, 2] })
    }
    let stages = [2, 3, 4]
    func names(_ convolution: String) -> Set<String> {
      Set(
        ["conv1"] + stages.flatMap { ["layer\($0).0.\(convolution)", "layer\($0).0.downsample.0"] })
    }
    #expect(Set(try strides("resnet-50").keys) == names("conv2"))
    #expect(Set(try strides("resnet-50?form=v1").keys) == names("conv1"))
    #expect(Set(try strides("resnet-18").keys) == names("conv1"))
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
