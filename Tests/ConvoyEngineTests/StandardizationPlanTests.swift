import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct StandardizationPlanTests {
  /// Any dimensions of row-major tensors, with lines shorter and longer than a vector.
  @Test func rowMajor() throws {
    var random = Random(seed: 61)
    for _ in 0..<200 {
      let shape = Shape(
        (0..<1 + random.below(4)).map { _ in [1, 2, 3, 7, 16, 17, 40][random.below(7)] })
      var dimensions = (0..<shape.rank).filter { _ in random.below(2) == 0 }
      if dimensions.isEmpty { dimensions = [random.below(shape.rank)] }
      let builder = GraphBuilder()
      let x = builder.input("x", shape)
      builder.output("y", x.standardized(over: dimensions, epsilon: 0.1))
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// Over channels in planes: with lanes that hold no channel, halos, and orders that are not the
  /// identity; and, between two planes, over dimensions that make it go through row-major numbers.
  @Test func planes() throws {
    var random = Random(seed: 62)
    for _ in 0..<150 {
      let rank = 1 + random.below(3)
      let extents = (0..<rank).map { _ in 1 + random.below(rank == 1 ? 12 : 5) }
      let builder = GraphBuilder()
      let image = builder.input("x", Shape([1 + random.below(3), 2] + extents))
      let channels = [3, 16, 24, 58][random.below(4)]
      var middle = image.convolution(channels, kernel: 1)
      if random.below(3) == 0 {
        // Channels of several values, some of them beginning in the middle of a plane.
        middle = concatenate([middle, image.convolution(5, kernel: 1), middle])
      }
      let dimensions =
        random.below(4) == 0 ? Array(1..<rank + 2) : [1]
      let result = middle.standardized(over: dimensions, epsilon: 0.05)
      if random.below(2) == 0 {
        builder.output("z", middle.convolution(2, kernel: 3, padding: 1))
      }
      builder.output("y", result)
      builder.output("next", result.convolution(3, kernel: 3, padding: 1))
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  @Test func layers() throws {
    var random = Random(seed: 63)
    for _ in 0..<60 {
      let builder = GraphBuilder()
      let image = randomImage(
        builder, channels: [6, 18, 36], extents: [1 + random.below(5), 1 + random.below(5)],
        &random)
      let result =
        switch random.below(3) {
        case 0: image.layerNormalization()
        case 1: image.groupNormalization(groups: 3, epsilon: 0.1)
        default: image.instanceNormalization(epsilon: 0.1)
        }
      builder.output("y", result.convolution(4, kernel: 1))
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  @Test(arguments: [[1], [2, 3], [0, 1]]) func gradients(dimensions: [Int]) throws {
    var random = Random(seed: 64)
    for _ in 0..<40 {
      let builder = GraphBuilder()
      let image = randomImage(
        builder, channels: [3, 16, 29], extents: [2 + random.below(4), 2], &random)
      let result = image.standardized(over: dimensions, epsilon: 0.5)
      let graph = try finishWithGradients(builder, of: result)
      try expectPlanMatchesReference(graph, tolerance: 1e-4, random: &random)
    }
  }

  /// Where the mean is large beside the deviation, sums of squares less the square of the sum would
  /// leave nothing of it.
  @Test func largeMeans() throws {
    var random = Random(seed: 65)
    let builder = GraphBuilder()
    let image = builder.input("x", [1, 32, 4, 5])
    builder.output("dense", image.standardized(over: [2, 3]))
    builder.output("across", image.standardized(over: [1]))
    builder.output("planes", image.relu().maxPooling(1).standardized(over: [1]))
    try expectPlanMatchesReference(
      try builder.finish(), tolerance: 1e-3, random: &random,
      values: { _, random in 4096 + random.uniform() })
  }
}
