import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@testable import ConvoyEngine

@Suite struct SharedWeightsTests {
  private func model(seed: UInt64) throws -> Model {
    try Network(input: [3, 32, 32]) { image in
      var x = image.convolution(32, kernel: 3, padding: 1, bias: false).batchNormalization().relu()
      for _ in 0..<3 {
        let y = x.convolution(64, kernel: 1, bias: false).batchNormalization().silu()
          .convolution(64, kernel: 5, padding: 2, groups: 64).relu()
          .convolution(64, kernel: 3, padding: 1, groups: 16).relu()
        x = x + y.convolution(32, kernel: 3, padding: 1)
      }
      return x.globalAveragePooling().flattened().linear(300)
    }.initialized(seed: seed)
  }

  /// The plan of a model for images of a size.
  private func plan(
    _ model: Model, _ shape: Shape, on machine: Machine, _ shared: SharedWeights?
  ) throws -> Plan {
    var options = CompileOptions(pool: ThreadPool(threadCount: 2))
    options.machine = machine
    options.sharedWeights = shared
    // Batch norms are folded again by each compilation.
    let graph = try model.graph.resized([model.graph[model.graph.inputs[0]].name: shape])
    return try Model(graph, parameters: model.parameters).compiled(
      batch: shape[0], options: options)
  }

  /// Plans for several sizes and batches take the memory of one, and compute what they compute alone.
  @Test(arguments: Machine.available) func plansOfSeveralSizes(_ machine: Machine) throws {
    var random = Random(seed: 131)
    let model = try model(seed: 7)
    let shared = SharedWeights()
    var plans: [(plan: Plan, image: Tensor, wanted: [UInt8])] = []
    for shape: Shape in [[1, 3, 32, 32], [2, 3, 32, 32], [1, 3, 40, 48], [3, 3, 48, 40]] {
      let image = Tensor(normal: shape, using: &random)
      let alone = try plan(model, shape, on: machine, nil)
      #expect(alone.sharedWeightBytes == 0)
      let plan = try plan(model, shape, on: machine, shared)
      #expect(plan.weightBytes == alone.weightBytes)
      plans.append((plan, image, try alone(image).bytes))
    }
    let own = plans.map { $0.plan.weightBytes - $0.plan.sharedWeightBytes }
    #expect(own[0] > 100_000)
    #expect(own[1...].reduce(0, +) < own[0] / 2, "\(machine): \(own)")
    // The first plan goes, but not what others read of it.
    plans.removeFirst()
    for _ in 0..<2 {
      for (plan, image, wanted) in plans { #expect(try plan(image).bytes == wanted, "\(machine)") }
    }
  }

  @Test func otherWeightsAreNotShared() throws {
    let shared = SharedWeights()
    let first = try plan(try model(seed: 1), [1, 3, 32, 32], on: .current, shared)
    let second = try plan(try model(seed: 2), [1, 3, 32, 32], on: .current, shared)
    #expect(first.sharedWeightBytes == 0 && second.sharedWeightBytes == 0)
  }

  /// What no plan reads any more is not kept.
  @Test func weightsGoWithTheirPlans() throws {
    let shared = SharedWeights()
    let model = try model(seed: 3)
    for _ in 0..<2 {
      let plan = try plan(model, [1, 3, 32, 32], on: .current, shared)
      #expect(plan.sharedWeightBytes == 0)
    }
  }
}
