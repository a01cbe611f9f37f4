import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import ConvoyTraining
import Foundation
import Testing

/// Compares 20 steps of training with those of PyTorch; Golden/training_losses.py made the numbers.
@Suite struct TrainingGoldenTests {
  static func network() throws -> Network {
    try Network(input: [3, 12, 12]) { image in
      image
        .convolution(12, kernel: 3, padding: 1, bias: false, name: "0")
        .batchNormalization(name: "1").relu()
        .convolution(24, kernel: 3, padding: 1, groups: 3, name: "3").relu()
        .convolution(24, kernel: 3, stride: 2, padding: 1, groups: 24, bias: false, name: "5")
        .batchNormalization(name: "6").relu()
        .convolution(20, kernel: 1, name: "8").relu().maxPooling(2)
        .flattened().linear(5, name: "12")
    }
  }

  static func wave(_ shape: Shape, phase: Double, scale: Double) throws -> Tensor {
    try Tensor(
      shape,
      (0..<shape.elementCount).map {
        Float(scale * sin(0.37 * Double($0) * Double($0) + phase))
      })
  }

  /// The network's parameters, those of more than one dimension as sines of their index.
  static func parameters(of graph: Graph) throws -> [String: Tensor] {
    var result: [String: Tensor] = [:]
    var position = 0
    for id in graph.parameters {
      guard case .parameter(let parameter) = graph[id].origin else { continue }
      let shape = graph[id].shape
      var random = Random(seed: 0)
      result[graph[id].name] = parameter.initializer.tensor(shape, using: &random)
        .converted(to: graph[id].type)
      guard parameter.isTrainable else { continue }
      if shape.rank > 1 {
        let fanIn = Double(shape.dimensions.dropFirst().reduce(1, *))
        result[graph[id].name] = try wave(
          shape, phase: Double(position), scale: (2 / fanIn).squareRoot())
      }
      position += 1
    }
    return result
  }

  static func batch(_ step: Int) throws -> (images: Tensor, labels: Tensor) {
    var images = try wave([8, 3, 12, 12], phase: Double(100 + step), scale: 1)
    let labels = (0..<8).map { (3 * step + 2 * $0) % 5 }
    for (position, label) in labels.enumerated() {
      for channel in 0..<3 {
        for row in stride(from: label, to: 12, by: 5) {
          for column in 0..<12 { images[position, channel, row, column] += 1 }
        }
      }
    }
    return (images, try Tensor([8], elements: labels.map(Int32.init)))
  }

  @Test(
    arguments: [
      ("sgd", Optimizer.sgd(), Float(1e-3), Float(0.02)),
      ("nesterov", .sgd(isNesterov: true), 1e-3, 0.02),
      ("adamw", .adamW(), 1e-2, 1e-3),
      ("rmsprop", .rmsProp(), 1e-3, 1e-3),
    ])
  func lossesAreThoseOfPyTorch(
    name: String, optimizer: Optimizer, decay: Float, rate: Float
  ) throws {
    let url = try #require(
      Bundle.module.url(
        forResource: "training_losses", withExtension: "json", subdirectory: "Golden"))
    let golden = try JSONDecoder().decode(
      [String: [Double]].self, from: try Data(contentsOf: url))
    let expected = try #require(golden[name])
    #expect(expected.count == 20)

    let options = StepOptions(optimizer: optimizer, weightDecay: decay, labelSmoothing: 0.1)
    let step = try Self.network().graph.trainingStep(batch: 8, options)
    let plan = try step.compiledWithVariables()
    let variables = try Variables(plan, parameters: try Self.parameters(of: step))
    for (index, loss) in expected.enumerated() {
      let (images, labels) = try Self.batch(index)
      let outputs = try plan.run(
        named: ["image": images, "labels": labels, "rate": Tensor([], repeating: rate)],
        variables: variables)
      let got = Double(try #require(outputs["loss"]).elements[0])
      #expect(abs(got - loss) <= 1e-4 * loss, "step \(index + 1): \(got), PyTorch \(loss)")
    }
  }
}
