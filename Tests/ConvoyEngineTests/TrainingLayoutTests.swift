import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@testable import ConvoyEngine

/// What training steps do with layouts and forms that networks with fixed weights have too.
@Suite struct TrainingLayoutTests {
  /// The names of nodes' steps, and their kernels, where weights are variables.
  private func steps(_ graph: Graph, on machine: Machine) throws -> [(name: String, kernel: String)]
  {
    var options = CompileOptions()
    options.machine = machine
    return try graph.compiledWithVariables(options: options).steps.map {
      ($0.name, $0.kernel.name)
    }
  }

  /// 3×3 and 5×5 convolutions and the gradients of their images, by Winograd's form, where there are
  /// pixels enough to pay for transforming the weights.
  @Test(arguments: [3, 5]) func winograd(kernel: Int) throws {
    var random = Random(seed: 201 + UInt64(kernel))
    let builder = GraphBuilder()
    func pad() -> Int { random.below(kernel) }
    let padding = Padding.explicit(before: [pad(), pad()], after: [pad(), pad()])
    let image = builder.input("x", [2, 32, 26, 25])
    let result = image.convolution(32, kernel: [kernel, kernel], padding: padding, name: "layer")
    let graph = try finishWithGradients(builder, of: result)
    try expectPlanMatchesReference(graph, random: &random)
    for machine in Machine.available where machine.name != "portable" {
      let used = try steps(graph, on: machine).filter { $0.kernel.hasSuffix("winograd") }
      #expect(used.count == 2, "\(machine.name): \(used)")
    }
  }

  /// A network's first convolution, and the gradient of its weights, read the user's image.
  @Test(arguments: [false, true]) func firstLayers(channelsLast: Bool) throws {
    var random = Random(seed: 203)
    for _ in 0..<30 {
      let dimensions = 1 + random.below(3)
      let extents = (0..<dimensions).map { _ in 4 + random.below(9) }
      let channels = 1 + random.below(15)
      let batch = 1 + random.below(3)
      let builder = GraphBuilder()
      let image =
        channelsLast
        ? builder.input("x", Shape([batch] + extents + [channels])).channelsFirst()
        : builder.input("x", Shape([batch, channels] + extents))
      func pick(_ count: Int) -> [Int] { extents.map { _ in 1 + random.below(count) } }
      let padding = Padding.explicit(
        before: extents.map { _ in random.below(3) }, after: extents.map { _ in random.below(3) })
      let result = image.convolution(
        1 + random.below(40), kernel: pick(3), stride: pick(3), padding: padding,
        dilation: pick(2), name: "layer")
      let weights = builder.graph.parameters.map(builder.value)
      let seed = builder.input("seed", result.shape)
      for gradient in builder.gradients(of: (result * seed).sum(), withRespectTo: weights) {
        builder.output("\(gradient.name)", gradient)
      }
      let graph = try builder.finish()
      try expectPlanMatchesReference(graph, random: &random)
      for machine in Machine.available {
        let isReordered = try steps(graph, on: machine).contains {
          $0.name == "reorder x" && $0.kernel == "reorder to planes"
        }
        #expect(!isReordered, "\(machine.name)")
      }
    }
  }

  /// Linear layers of so many features that packing takes several planes at once.
  @Test func wideLinearLayers() throws {
    var random = Random(seed: 204)
    for (inputs, outputs) in [(300, 130), (129, 33), (16, 256)] {
      let builder = GraphBuilder()
      let result = builder.input("x", [1 + random.below(4), inputs]).linear(outputs)
      try expectPlanMatchesReference(
        try finishWithGradients(builder, of: result), random: &random)
    }
  }

  /// Grouped pointwise convolutions of any width, whose data gradients pack rows within groups.
  @Test func groupedPointwise() throws {
    var random = Random(seed: 205)
    for (inputs, outputs, groups) in [(96, 64, 2), (60, 240, 3), (240, 60, 3), (64, 64, 4)] {
      let builder = GraphBuilder()
      let result = builder.input("x", [2, inputs, 5, 6])
        .convolution(outputs, kernel: 1, groups: groups)
      try expectPlanMatchesReference(
        try finishWithGradients(builder, of: result), random: &random)
    }
  }

  /// A unit of ShuffleNet v1 in training: batch norms take channels in the order in which they find them.
  @Test func shuffleUnits() throws {
    var random = Random(seed: 206)
    for (channels, groups) in [(60, 3), (40, 2), (64, 4)] {
      let builder = GraphBuilder()
      let image = builder.input("x", [2, 8, 7, 6]).convolution(channels, kernel: 1, bias: false)
      func normalized(_ x: Value, _ name: String) -> Value {
        let vectors = ["scale", "shift"].map {
          builder.parameter("\(name).\($0)", [x.shape[1]], Parameter(.constant(1)))
        }
        let form = BatchNormalizationTraining(epsilon: 1e-3, activation: .silu)
        return builder.apply(form, to: [x] + vectors, name: name, outputCount: 3)[0]
      }
      let inner = normalized(
        image.convolution(channels, kernel: 1, groups: groups, bias: false), "first"
      ).channelShuffle(groups: groups)
      let deep = normalized(
        inner.convolution(channels, kernel: 3, padding: 1, groups: channels, bias: false), "second")
      let result = deep.convolution(channels, kernel: 1, groups: groups, name: "last")
      let graph = try finishWithGradients(builder, of: result)
      try expectPlanMatchesReference(graph, tolerance: 1e-4, random: &random)
      for machine in Machine.available {
        let gathers = try steps(graph, on: machine).filter { $0.kernel == "gather channels" }
        // Groups of 20 have planes of their own, which is undone before and made after depthwise layers.
        #expect(gathers.count <= 4, "\(channels) channels on \(machine.name): \(gathers)")
      }
    }
  }
}
