import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@testable import ConvoyEngine

/// A whole network of bottlenecks, ResNet-50: what compiling makes of it.
///
/// Source: He et al., "Deep Residual Learning for Image Recognition", 2015.
@Suite struct ResidualNetworkTests {
  /// - Parameter stages: blocks, and channels of the bottlenecks.
  static func network(
    size: Int, stages: [(blocks: Int, width: Int)]
  ) throws -> Network {
    try Network(input: [3, size, size]) { image in
      func convolved(_ x: Value, _ channels: Int, _ kernel: Int, stride: Int = 1) -> Value {
        x.convolution(
          channels, kernel: kernel, stride: stride, padding: .uniform(kernel / 2), bias: false
        ).batchNormalization()
      }
      var x = convolved(image, 64, 7, stride: 2).relu().maxPooling(3, stride: 2, padding: 1)
      for (stage, (blocks, width)) in stages.enumerated() {
        for block in 0..<blocks {
          let stride = stage > 0 && block == 0 ? 2 : 1
          let y = convolved(x, width, 1).relu()
          let z = convolved(convolved(y, width, 3, stride: stride).relu(), 4 * width, 1)
          let shortcut = block == 0 ? convolved(x, 4 * width, 1, stride: stride) : x
          x = (z + shortcut).relu()
        }
      }
      return x.globalAveragePooling().flattened().linear(1000)
    }
  }

  /// Batch norms, sums and activations all become part of convolutions.
  @Test(arguments: Machine.available) func everythingIsFused(_ machine: Machine) throws {
    let network = try Self.network(size: 64, stages: [(3, 64), (4, 128), (6, 256), (3, 512)])
    #expect(network.graph.cost.parameters == 25_557_032)
    var options = CompileOptions()
    options.machine = machine
    let plan = try network.initialized(seed: 1).compiled(options: options)
    let names = plan.steps.map(\.kernel.name)
    for stray in ["elementwise", "batch norm", "gather channels", "reorder"] {
      let found = names.filter { $0.contains(stray) }
      // The scores are made row-major; the image is read as it is given.
      #expect(found.count == (stray == "reorder" ? 1 : 0), "\(machine): \(found)")
    }
  }

  /// A shorter one computes what the reference does.
  @Test func shortNetworkMatchesReference() throws {
    var random = Random(seed: 76)
    let network = try Self.network(size: 33, stages: [(2, 16), (1, 24)])
    let model = try network.initialized(seed: 2).simplified()
    try expectPlanMatchesReference(
      model.graph.resized(batch: 1), tolerance: 1e-4, random: &random)
  }
}
