import ConvoyGraphs
import ConvoyTensors
import Testing

@Suite struct PoolingPlanTests {
  static let functions: [Pooling.Function] = [
    .maximum, .average(countsPadding: true), .average(countsPadding: false),
  ]

  /// A random pooling that has no window of padding only; the spatial extents of its image.
  static func randomWindow(_ random: inout Random) -> (window: Window, extents: [Int]) {
    let rank = 1 + random.below(3)
    let kernel = (0..<rank).map { _ in 1 + random.below(rank == 3 ? 2 : 5) }
    let stride = (0..<rank).map { _ in 1 + random.below(4) }
    let dilation = (0..<rank).map { _ in 1 + random.below(2) }
    let padding = kernel.map { ($0 - 1) / 2 }
    let extents = (0..<rank).map { d in
      max(1, (kernel[d] - 1) * dilation[d] + 1 - 2 * padding[d])
        + random.below(rank == 1 ? 12 : rank == 2 ? 7 : 3)
    }
    let window = Window(
      kernel: kernel, stride: stride, dilation: dilation,
      padding: random.below(4) == 0
        ? .same
        : .explicit(before: padding.map { random.below($0 + 1) }, after: padding),
      roundsUp: random.below(2) == 0)
    return (window, extents)
  }

  /// A random graph with a pooling of a random image, or nil where some window would hold no element.
  static func randomPooling(
    _ function: Pooling.Function, isGlobal: Bool, _ random: inout Random
  ) -> (builder: GraphBuilder, result: Value)? {
    let (window, extents) = randomWindow(&random)
    let builder = GraphBuilder()
    let image = randomImage(builder, extents: extents, &random)
    let pooling = Pooling(function, window: isGlobal ? nil : window)
    let result = image.applying(pooling)
    return builder.failure == nil ? (builder, result) : nil
  }

  @Test(arguments: functions) func forward(function: Pooling.Function) throws {
    var random = Random(seed: 31)
    var count = 0
    while count < 120 {
      guard
        let (builder, result) = Self.randomPooling(
          function, isGlobal: random.below(8) == 0, &random)
      else { continue }
      count += 1
      builder.output("pooled", result)
      if random.below(2) == 0 {
        builder.output("next", result.convolution(5, kernel: 3, padding: 1))
      }
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }

  /// Windows of padding only, at either end and where a dilated window steps over a small image.
  @Test(arguments: functions) func windowsOfPadding(function: Pooling.Function) throws {
    var random = Random(seed: 35)
    var count = 0
    while count < 60 {
      let rank = 1 + random.below(3)
      func draw(_ count: Int, from least: Int = 0) -> [Int] {
        (0..<rank).map { _ in least + random.below(count) }
      }
      let window = Window(
        kernel: draw(2, from: 1), stride: draw(3, from: 1), dilation: draw(3, from: 1),
        padding: .explicit(before: draw(4), after: draw(4)))
      let builder = GraphBuilder()
      let image = randomImage(builder, extents: draw(6, from: 1), &random)
      // Sums of the least floats would be infinite.
      let result = image.applying(Pooling(function, window: window))
        .applying(.clip(low: -100, high: 100))
      guard builder.failure == nil else { continue }
      count += 1
      try expectPlanMatchesReference(
        try finishWithGradients(builder, of: result), random: &random)
    }
  }

  @Test(arguments: functions) func gradients(function: Pooling.Function) throws {
    var random = Random(seed: 32)
    var count = 0
    while count < 100 {
      guard
        let (builder, result) = Self.randomPooling(
          function, isGlobal: random.below(8) == 0, &random)
      else { continue }
      count += 1
      try expectPlanMatchesReference(
        try finishWithGradients(builder, of: result), random: &random)
    }
  }

  /// Rows longer than the blocks they are cut into, and numbers below zero only: padding may not win.
  @Test(arguments: functions) func longRows(function: Pooling.Function) throws {
    var random = Random(seed: 33)
    for stride in 1...3 {
      let builder = GraphBuilder()
      let image = builder.input("image", [2, 20, 301])
      let window = Window(
        kernel: [5], stride: stride, dilation: 2, padding: .uniform(2), roundsUp: true)
      let graph = try finishWithGradients(
        builder, of: image.applying(Pooling(function, window: window)))
      try expectPlanMatchesReference(
        graph, random: &random, values: { _, random in -1 - random.uniform() })
    }
  }

  /// Where several elements are the largest, the gradient goes to the first.
  @Test func tiesGoToTheFirst() throws {
    var random = Random(seed: 34)
    let builder = GraphBuilder()
    let image = builder.input("image", [2, 3, 9, 9])
    let graph = try finishWithGradients(builder, of: image.maxPooling(3, stride: 2, padding: 1))
    try expectPlanMatchesReference(
      graph, random: &random,
      values: { name, random in name == "image" ? Float(random.below(3)) : random.normal() })
  }
}
