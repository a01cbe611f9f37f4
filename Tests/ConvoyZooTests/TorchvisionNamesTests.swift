import ConvoyGraphs
import ConvoyTensors
import Foundation
import Testing

@testable import ConvoyZoo

/// A network's `state_dict` as torchvision has it: `Golden/torchvision/NAME.txt`, in whose first line are
/// our specification and torchvision's number of parameters, and in each other a name and its shape.
/// Batch norm's counters, `num_batches_tracked`, are left out.
private struct StateDictionary {
  let specification: String
  let parameters: Int
  var shapes: [String: Shape] = [:]

  init(_ name: String) throws {
    let folder = try #require(Bundle.module.resourceURL)
    let text = try String(
      contentsOf: folder.appending(path: "Golden/torchvision/\(name).txt"), encoding: .utf8)
    let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
    specification = String(try #require(lines.first?.first))
    parameters = try #require(Int(lines[0][1]))
    for line in lines.dropFirst() {
      shapes[String(line[0])] = Shape(try line.dropFirst().map { try #require(Int($0)) })
    }
  }
}

@Suite struct TorchvisionNamesTests {
  static let names = [
    "alexnet-torchvision", "googlenet", "resnet-18", "resnet-34", "resnet-50", "resnet-101",
    "resnext-50", "squeezenet-1.0", "squeezenet-1.1", "mobilenet-v2", "mobilenet-v3-large",
    "mobilenet-v3-small", "shufflenet-v2-0.5", "shufflenet-v2", "shufflenet-v2-1.5",
    "shufflenet-v2-2", "densenet-121", "efficientnet-b0", "regnet-x-400mf", "regnet-y-400mf",
    "vgg-19", "convnext-tiny",
  ]

  @Test func everyGoldenFileIsTested() throws {
    let folder = try #require(Bundle.module.resourceURL).appending(path: "Golden/torchvision")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(files) == Set(Self.names.map { "\($0).txt" }))
  }

  @Test(arguments: names) func namesAndShapesAreTorchvisions(name: String) throws {
    let golden = try StateDictionary(name)
    let graph = try Zoo.network(golden.specification).graph
    let own = Dictionary(
      uniqueKeysWithValues: graph.parameters.map { (graph[$0].name, graph[$0].shape) })
    #expect(Set(own.keys).subtracting(golden.shapes.keys).sorted() == [], "unknown to torchvision")
    #expect(Set(golden.shapes.keys).subtracting(own.keys).sorted() == [], "missing")
    for (name, shape) in golden.shapes { #expect(own[name] == shape, "\(name)") }
    #expect(graph.cost.parameters == golden.parameters)
  }

  /// What torchvision's files hold besides parameters and running statistics does not hinder.
  @Test func publishedFilesLoad() throws {
    let golden = try StateDictionary("googlenet")
    var weights = golden.shapes.mapValues { Tensor($0, repeating: 0.5) }
    weights["conv1.bn.num_batches_tracked"] = Tensor([], repeating: 7)
    weights["aux1.fc1.weight"] = Tensor([1024, 2048])
    weights["aux2.conv.bn.running_var"] = Tensor([128])
    let network = try Zoo.network("googlenet")
    let model = try network.model(weights: weights)
    #expect(model.parameters.count == golden.shapes.count)
    #expect(model.parameters["fc.bias"] == Tensor([1000], repeating: 0.5))

    weights["aux3.fc1.weight"] = Tensor([1])
    #expect(
      throws: ConvoyError(
        .graph,
        "The network has no parameter aux3.fc1.weight, but numbers were given for it.")
    ) { try network.model(weights: weights) }
  }

  @Test func weightsOfAnotherNetworkAreRefused() throws {
    let network = try Zoo.network("resnet-18")
    let initial = network.initialized(seed: 1).parameters
    #expect(try network.model(weights: initial).parameters == initial)

    var weights = initial
    weights["fc.weight"] = Tensor([10, 512])
    #expect(
      throws: ConvoyError(
        .shape,
        "The parameter fc.weight has shape 1000×512, but the numbers given for it have 10×512.")
    ) { try network.model(weights: weights) }
    weights["bn1.bias"] = nil
    #expect(
      throws: ConvoyError(
        .graph,
        "The weights should hold bn1.bias of shape 64, but have no such name.")
    ) { try network.model(weights: weights) }
    weights["layer1.0.conv1.weight"] = nil
    #expect(
      throws: ConvoyError(
        .graph,
        "The weights should hold bn1.bias of shape 64, but have no such name; "
          + "2 of the network's 102 parameters are missing.")
    ) { try network.model(weights: weights) }
  }

  /// The numbers that no shape shows.
  @Test(
    arguments: [
      ("googlenet", 1e-3, 0.1), ("mobilenet-v3-large", 1e-3, 0.01),
      ("mobilenet-v3-small", 1e-3, 0.01),
      ("efficientnet-b0", 1e-5, 0.1), ("resnet-50", 1e-5, 0.1), ("densenet-121", 1e-5, 0.1),
      ("mobilenet-v2", 1e-5, 0.1), ("regnet-y-400mf", 1e-5, 0.1), ("shufflenet-v2", 1e-5, 0.1),
    ] as [(String, Float, Float)])
  func batchNormsAreTorchvisions(name: String, epsilon: Float, momentum: Float) throws {
    let nodes = try Zoo.network(name).graph.nodes
    let norms = nodes.compactMap { $0.operation as? BatchNormalization }
    #expect(!norms.isEmpty)
    #expect(norms.allSatisfy { $0.epsilon == epsilon && $0.momentum == momentum })
  }

  @Test func layerNormsAndScalesOfConvNeXtAreTorchvisions() throws {
    let graph = try Zoo.network("convnext-tiny").graph
    let norms = graph.nodes.compactMap { $0.operation as? Standardization }
    #expect(norms.count == 1 + 18 + 3 + 1)
    #expect(norms.allSatisfy { $0 == Standardization(over: [1], epsilon: 1e-6) })
    let scales = graph.parameters.filter { graph[$0].name.hasSuffix("layer_scale") }
    #expect(scales.count == 18)
    for id in scales {
      #expect(graph[id].origin == .parameter(Parameter(.constant(1e-6))))
    }
  }
}
