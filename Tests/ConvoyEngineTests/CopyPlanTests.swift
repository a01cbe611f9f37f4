import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyEngine

/// Copies between row-major tensors and planes, in all orders of dimensions.
@Suite struct CopyPlanTests {
  // MARK: Transpositions

  /// Lines of neighbours, tables that are transposed in blocks, numbers apart; remainders of blocks.
  @Test(arguments: 0..<40) func transpositions(seed: UInt64) throws {
    var random = Random(seed: 900 + seed)
    let rank = 2 + random.below(5)
    var extents = (0..<rank).map { _ in 1 + random.below(5) }
    extents[random.below(rank)] = 1 + random.below(90)
    extents[random.below(rank)] = 1 + random.below(20)
    let builder = GraphBuilder()
    let image = builder.input("image", Shape(extents))
    let moved = image.transposed((0..<rank).shuffled(using: &random))
    builder.output("moved", moved)
    let dimension = random.below(rank)
    let extent = moved.shape[dimension]
    let step = 1 + random.below(3)
    builder.output("part", moved.sliced(extent / 3..<extent, dimension: dimension, step: step))
    try expectPlanMatchesReference(builder.finish(), random: &random)
  }

  /// Planes are written with the channels last, and read so.
  @Test(arguments: [(1, 16, 9), (2, 37, 5), (3, 3, 11), (2, 20, 1)])
  func channelsLast(batch: Int, channels: Int, width: Int) throws {
    var random = Random(seed: UInt64(channels))
    let builder = GraphBuilder()
    let image = builder.input("image", [batch, channels, 4, width])
    let weights = builder.parameter("w", [channels, channels, 1, 1], Parameter(.he))
    let pointwise = Convolution(Window(kernel: [1, 1]))
    let made = image.applying(pointwise, [weights])
    builder.output("last", made.transposed([0, 2, 3, 1]))
    builder.output("first", made)
    let last = builder.input("last image", [batch, 4, width, channels])
    builder.output("read", last.channelsFirst().applying(pointwise, [weights]))
    builder.output("copied", last.channelsFirst())
    try expectPlanMatchesReference(builder.finish(), random: &random)
  }

  // MARK: Depth to space

  private static let blocks = [true, false].flatMap { channelsFirst in
    [2, 3].map { PixelBlocks(extent: $0, channelsFirst: channelsFirst) }
  }

  /// After a convolution, which writes channels in the order in which whole pixels are copied where
  /// they fill planes; before another, or to an output.
  @Test(arguments: blocks, [1, 3, 16, 24, 32])
  func depthToSpace(blocks: PixelBlocks, channels: Int) throws {
    var random = Random(seed: UInt64(channels))
    let builder = GraphBuilder()
    let image = builder.input("image", [2, 5, 3, 4])
    func convolution(_ value: Value, _ outputs: Int, _ name: String) -> Value {
      let weights = builder.parameter(name, [outputs, value.shape[1], 3, 3], Parameter(.he))
      return value.applying(Convolution(Window(kernel: [3, 3], padding: 1)), [weights])
    }
    let deep = convolution(image, channels * blocks.area, "a").relu()
    let wide = deep.applying(DepthToSpace(blocks))
    builder.output("wide", wide)
    builder.output("next", convolution(wide, 7, "b"))
    let again = wide.applying(SpaceToDepth(blocks))
    builder.output("again", again)
    builder.output("last", convolution(again, 4, "c"))
    try expectPlanMatchesReference(builder.finish(), random: &random)
  }

  /// Row-major images, without a convolution.
  @Test(arguments: blocks) func depthToSpaceOfRows(blocks: PixelBlocks) throws {
    var random = Random(seed: 7)
    let builder = GraphBuilder()
    let image = builder.input("image", [2, 5 * blocks.area, 3, 7])
    let wide = image.applying(DepthToSpace(blocks))
    builder.output("wide", wide)
    builder.output("again", wide.applying(SpaceToDepth(blocks)))
    try expectPlanMatchesReference(builder.finish(), random: &random)
  }

  /// What exporters write as reshapes and a transposition becomes one operator.
  @Test(arguments: blocks) func depthToSpaceIsRecognized(blocks: PixelBlocks) throws {
    let (b, c, h, w) = (blocks.extent, 4, 2, 3)
    let builder = GraphBuilder()
    let deep = builder.input("deep", [2, c * b * b, h, w])
    let wide = builder.input("wide", [2, c, h * b, w * b])
    let isFirst = blocks.channelsFirst
    let table = deep.reshaped(isFirst ? [0, c, b, b, h, w] : [0, b, b, c, h, w])
    let moved = table.transposed(isFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2])
    builder.output("to space", moved.reshaped([0, c, h * b, w * b]))
    let cut = wide.reshaped([0, c, h, b, w, b])
    let mixed = cut.transposed(isFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4])
    builder.output("to depth", mixed.reshaped([0, c * b * b, h, w]))
    let graph = try builder.finish()
    let simple = try Model(graph, parameters: [:]).simplified().graph
    #expect(
      simple.nodes.map { AnyHashable($0.operation) } == [
        AnyHashable(DepthToSpace(blocks)), AnyHashable(SpaceToDepth(blocks)),
      ])
    var random = Random(seed: 9)
    var given: [ValueID: ReferenceTensor] = [:]
    var same: [ValueID: ReferenceTensor] = [:]
    for (id, other) in zip(graph.inputs, simple.inputs) {
      given[id] = ReferenceTensor(Tensor(normal: graph[id].shape, using: &random))
      same[other] = given[id]
    }
    let (before, after) = (graph.evaluatedByReference(given), simple.evaluatedByReference(same))
    for (one, other) in zip(graph.outputs, simple.outputs) {
      #expect(before[one.value]?.elements == after[other.value]?.elements)
    }
  }
}
