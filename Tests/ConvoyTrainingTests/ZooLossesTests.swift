import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import ConvoyZoo
import Foundation
import Testing

/// Compares 20 steps of training networks of the zoo with those of PyTorch; Golden/zoo_losses.py
/// made the numbers.
@Suite struct ZooLossesTests {
  static let size = 64
  static let batch = 8
  static let classes = 4

  /// What a network is trained with, and PyTorch's losses.
  struct Golden: Decodable {
    var rate: Float
    var scale: Float
    var shift: Float
    var float32: [Double]
  }

  /// Numbers from −scale to scale, each a function of seed and index alone.
  static func noise(_ shape: Shape, seed: UInt64, scale: Double) throws -> Tensor {
    let start = seed << 32
    return try Tensor(
      shape,
      (1...UInt64(shape.elementCount)).map { index in
        let bits = Random.hash((index &+ start) &* Random.goldenGamma) >> 40
        return Float(scale * (Double(bits) / Double(1 << 23) - 1))
      })
  }

  /// The network for small images, without dropout, whose random numbers are each framework's own.
  static func graph(_ name: String) throws -> Graph {
    let separator = name.contains("?") ? "&" : "?"
    let graph = try Zoo.network("\(name)\(separator)size=\(size)&classes=\(classes)").graph
    return try graph.rewritten { node, inputs, _ in node.operation is Dropout ? inputs : nil }
  }

  /// Random weights; the scale and the shift of batch norms, and the shift also as the last bias,
  /// where it changes no loss.
  static func parameters(of graph: Graph, _ golden: Golden) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var position: UInt64 = 0
    for id in graph.parameters {
      guard case .parameter(let parameter) = graph[id].origin else { continue }
      let shape = graph[id].shape
      let name = graph[id].name
      if parameter.isTrainable, shape.rank == 1 {
        let value = name.hasSuffix(".bias") ? golden.shift : golden.scale
        result[name] = Tensor(shape, repeating: value)
      } else if parameter.isTrainable {
        let fanIn = Double(shape.dimensions.dropFirst().reduce(1, *))
        result[name] = try noise(shape, seed: position, scale: (6 / fanIn).squareRoot())
      } else {
        var random = Random(seed: 0)
        result[name] = parameter.initializer.tensor(shape, using: &random)
          .converted(to: graph[id].type)
      }
      if parameter.isTrainable { position += 1 }
    }
    return result
  }

  /// Random images; an image's label is added to every fourth row.
  static func batch(_ step: Int) throws -> (images: Tensor, labels: Tensor) {
    var images = try noise([batch, 3, size, size], seed: UInt64(1000 + step), scale: 1)
    let labels = (0..<batch).map { (step + $0) % classes }
    for (position, label) in labels.enumerated() {
      for channel in 0..<3 {
        for row in stride(from: label, to: size, by: classes) {
          for column in 0..<size { images[position, channel, row, column] += 1 }
        }
      }
    }
    return (images, try Tensor([batch], elements: labels.map(Int32.init)))
  }

  /// How many of the 20 steps are compared: without optimisation, packing five million weights
  /// takes seconds a step.
  static func steps(_ name: String) -> Int {
    #if DEBUG
      name == "regnet-x-400mf" ? 3 : 10
    #else
      20
    #endif
  }

  /// PyTorch's own losses in float32 and float64 differ by at most 3e-5, in RegNet's last steps,
  /// and by 2e-6 elsewhere; as much when its first weights are moved by about one rounding. The
  /// tolerance leaves room for an order of summation that brings a number to the other side of a
  /// ReLU, which moves later losses by more than rounding does.
  @Test(arguments: ["mobilenet-v2?width=0.25", "shufflenet-v2?width=0.5", "regnet-x-400mf"])
  func lossesAreThoseOfPyTorch(name: String) throws {
    let url = try #require(
      Bundle.module.url(forResource: "zoo_losses", withExtension: "json", subdirectory: "Golden"))
    let all = try JSONDecoder().decode([String: Golden].self, from: try Data(contentsOf: url))
    let golden = try #require(all[name])
    #expect(golden.float32.count == 20)

    let options = StepOptions(optimizer: .sgd(momentum: 0.9), weightDecay: 1e-4)
    let step = try Self.graph(name).trainingStep(batch: Self.batch, options)
    let plan = try step.compiledWithVariables()
    let variables = try Variables(plan, parameters: try Self.parameters(of: step, golden))
    for (index, loss) in golden.float32.prefix(Self.steps(name)).enumerated() {
      let (images, labels) = try Self.batch(index)
      let outputs = try plan.run(
        named: ["image": images, "labels": labels, "rate": Tensor([], repeating: golden.rate)],
        variables: variables)
      let got = Double(try #require(outputs["loss"]).elements[0])
      #expect(abs(got - loss) <= 1e-4 * loss, "step \(index + 1): \(got), PyTorch \(loss)")
    }
  }
}
