import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@testable import ConvoyEngine

/// Channels that stand in other orders than their numbers: views, interleaved groups, residuals.
@Suite struct ChannelOrderPlanTests {
  /// The kernels of a graph's plan, in order.
  private func kernels(_ graph: Graph, on machine: Machine = .current) throws -> [String] {
    var options = CompileOptions()
    options.machine = machine
    let parameters = Dictionary(
      uniqueKeysWithValues: graph.parameters.map {
        (graph[$0].name, Tensor(graph[$0].shape))
      })
    return try graph.compiled(parameters: parameters, options: options).steps.map(\.kernel.name)
  }

  /// A unit of ShuffleNet v2: split, convolve one half, join, shuffle. Nothing is copied.
  @Test func shuffleUnitsCopyNothing() throws {
    var random = Random(seed: 71)
    for channels in [12, 58, 64] {
      let builder = GraphBuilder()
      var x = builder.input("x", [2, 3, 9, 7]).convolution(channels, kernel: 3, padding: 1).relu()
      for _ in 0..<3 {
        let half = channels / 2
        let left = x.sliced(0..<half, dimension: 1)
        let right = x.sliced(half..<channels, dimension: 1)
          .convolution(half, kernel: 1).relu()
          .convolution(half, kernel: 3, padding: 1, groups: half)
          .convolution(half, kernel: 1).relu()
        x = concatenate([left, right]).channelShuffle(groups: 2)
      }
      builder.output("y", x.convolution(5, kernel: 1))
      let graph = try builder.finish()
      try expectPlanMatchesReference(graph, random: &random)
      let copies = try kernels(graph).filter { $0 == "gather channels" }
      #expect(copies.isEmpty, "\(channels) channels")
    }
  }

  /// A unit of ShuffleNet v1: grouped 1×1, shuffle, depthwise, grouped 1×1, sum.
  @Test func groupedShuffleUnits() throws {
    var random = Random(seed: 72)
    for (channels, groups) in [(120, 3), (136, 4), (48, 3), (24, 4), (80, 2)] {
      let builder = GraphBuilder()
      let x = builder.input("x", [1, 8, 6, 5]).convolution(channels, kernel: 1).relu()
      let y = x.convolution(channels, kernel: 1, groups: groups).relu()
        .channelShuffle(groups: groups)
        .convolution(channels, kernel: 3, padding: 1, groups: channels)
        .convolution(channels, kernel: 1, groups: groups)
      builder.output("y", (x + y).relu())
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// Branches joined along channels, read by everything that reads planes.
  @Test func joinedBranches() throws {
    var random = Random(seed: 73)
    for _ in 0..<8 {
      let builder = GraphBuilder()
      let image = builder.input("x", [1 + random.below(2), 5, 8, 7])
      let branches = (0..<3).map { _ in
        image.convolution(1 + random.below(40), kernel: 1 + 2 * random.below(2), padding: .same)
      }
      let joined = concatenate(branches)
      let channels = joined.shape[1]
      builder.output("convolved", joined.convolution(9, kernel: 3, padding: 1).relu())
      builder.output("deep", joined.convolution(channels, kernel: 3, padding: 1, groups: channels))
      builder.output("pooled", joined.maxPooling(2))
      builder.output("averaged", joined.globalAveragePooling())
      builder.output("function", joined.silu())
      builder.output("scaled", joined.batchNormalization())
      builder.output("sum", joined + joined.convolution(channels, kernel: 1))
      builder.output("joined", joined)
      builder.output("again", concatenate([joined, image]).sliced(2..<channels + 2, dimension: 1))
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// Narrow groups of every width between 1×1 convolutions, whose orders they may choose.
  @Test func narrowGroups() throws {
    var random = Random(seed: 74)
    for width in 1...24 {
      let groups = 2 + random.below(18)
      let channels = width * groups
      let builder = GraphBuilder()
      let x = builder.input("x", [1, 6, 5, 9])
      let y = x.convolution(channels, kernel: 1).relu()
        .convolution(channels, kernel: 3, padding: 1, groups: groups).relu()
      builder.output("y", y.convolution(7, kernel: 1))
      builder.output("middle", y)
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// The order that narrow groups want is made by whoever comes before, without a step of its own.
  @Test(arguments: Machine.available) func preferredOrdersCostNothing(_ machine: Machine) throws {
    let builder = GraphBuilder()
    let x = builder.input("x", [1, 16, 8, 8]).convolution(96, kernel: 1).relu()
      .convolution(96, kernel: 3, padding: 1, groups: 32).relu().convolution(16, kernel: 1)
    builder.output("y", x)
    let names = try kernels(try builder.finish(), on: machine)
    #expect(!names.contains("gather channels"))
    if machine.name != "portable" {
      #expect(names.contains("\(machine.name) lanes, plain"), "\(names)")
    }
  }

  /// Residual blocks: the sum is part of the convolution before it, whichever side that is on.
  @Test(arguments: [true, false]) func residualsAreFused(isLeft: Bool) throws {
    var random = Random(seed: 75)
    for channels in [16, 20, 64] {
      let builder = GraphBuilder()
      let x = builder.input("x", [2, 7, 9, 8]).convolution(channels, kernel: 1).relu()
      let y = x.convolution(channels, kernel: 3, padding: 1).relu()
        .convolution(channels, kernel: 3, padding: 1)
      let sum = (isLeft ? y + x : x + y).relu()
      // Both sides from convolutions, and a function of the sum.
      let both = (sum.convolution(8, kernel: 1) + sum.convolution(8, kernel: 3, padding: 1)).silu()
      builder.output("y", both)
      // A convolution that something else reads stays as it is.
      let shared = sum.convolution(channels, kernel: 1)
      builder.output("sum", shared + sum)
      builder.output("shared", shared)
      let graph = try builder.finish()
      try expectPlanMatchesReference(graph, random: &random)
      let names = try kernels(graph)
      #expect(names.filter { $0.contains("elementwise") }.count == 1, "\(names)")
    }
  }
}
