import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

@testable import ConvoyEngine

/// Convolutions that read the user's image where it is, channels first or last.
@Suite struct RowMajorImageTests {
  /// The kernels of a graph's plan with fixed weights, in order.
  private func kernels(_ graph: Graph) throws -> [String] {
    let parameters = Dictionary(
      uniqueKeysWithValues: graph.parameters.map { (graph[$0].name, Tensor(graph[$0].shape)) })
    return try graph.compiled(parameters: parameters).steps.map(\.kernel.name)
  }

  /// Kernels, strides, dilations, paddings, several images, one to three dimensions.
  @Test(arguments: [false, true]) func randomFirstLayers(channelsLast: Bool) throws {
    var random = Random(seed: 91)
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
      builder.output(
        "y",
        image.convolution(
          1 + random.below(40), kernel: pick(3), stride: pick(3), padding: padding,
          dilation: pick(2)
        ).relu())
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// An image with other readers, which want planes or rows, is given to each as it likes it.
  @Test(arguments: [false, true]) func otherReaders(channelsLast: Bool) throws {
    var random = Random(seed: 92)
    let builder = GraphBuilder()
    let image =
      channelsLast
      ? builder.input("x", [2, 7, 6, 3]).channelsFirst() : builder.input("x", [2, 3, 7, 6])
    builder.output("a", image.convolution(20, kernel: 3, padding: 1))
    builder.output("b", image.convolution(9, kernel: 5, padding: 2).relu())
    builder.output("pooled", image.maxPooling(2))
    builder.output("deep", image.convolution(3, kernel: 3, padding: 1, groups: 3))
    builder.output("function", image.silu())
    builder.output("image", image)
    builder.output("joined", concatenate([image, image.convolution(4, kernel: 1)]))
    try expectPlanMatchesReference(try builder.finish(), random: &random)
  }

  /// Linear layers, whose inputs are row-major, one after the other and after global pooling.
  @Test func linearLayers() throws {
    var random = Random(seed: 93)
    for batch in [1, 2, 5] {
      let builder = GraphBuilder()
      let x = builder.input("x", [batch, 37])
      builder.output("y", x.linear(21).relu().linear(5))
      let image = builder.input("image", [batch, 3, 6, 5])
      let pooled = image.convolution(24, kernel: 3).globalAveragePooling()
      builder.output("z", pooled.flattened().linear(7))
      builder.output("flat", pooled.flattened())
      let flat = image.convolution(4, kernel: 3).flattened()
      builder.output("dense", flat.linear(33).relu().linear(3))
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// Nothing brings the image into planes; without padding nothing touches it at all.
  @Test(arguments: [false, true]) func nothingIsReordered(channelsLast: Bool) throws {
    for padding: Padding in [0, 3] {
      let builder = GraphBuilder()
      let image =
        channelsLast
        ? builder.input("x", [1, 32, 32, 3]).channelsFirst() : builder.input("x", [1, 3, 32, 32])
      builder.output(
        "y", image.convolution(64, kernel: 7, stride: 2, padding: padding).relu().maxPooling(2))
      let names = try kernels(try builder.finish())
      #expect(!names.contains("reorder to planes") && !names.contains("copy"), "\(names)")
      #expect(names.contains("put a halo around") == (padding != 0), "\(names)")
    }
  }
}
