import ConvoyGraphs
import ConvoyTensors
import Testing

/// Networks of random layers: what one layer's layout, halo or order of channels does to others.
@Suite struct RandomNetworkTests {
  /// - Parameter rank: the number of spatial dimensions.
  @Test(arguments: 1...3) func networks(rank: Int) throws {
    var random = Random(seed: 120 + UInt64(rank))
    for _ in 0..<60 {
      var network = RandomNetwork(rank: rank, &random)
      try expectPlanMatchesReference(
        try network.finish(layers: 3 + random.below(6), &random), tolerance: 2e-4,
        random: &random,
        values: { name, random in
          name.hasSuffix("running_var") ? 0.5 + random.uniform() : 0.4 * random.normal()
        })
    }
  }

  /// The convolutions of 1-D networks: one long row, batch 1, with kernels of any length.
  @Test func longRows() throws {
    var random = Random(seed: 124)
    for index in 0..<120 {
      let channels = [2, 12, 16, 20, 36][random.below(5)]
      let groups = [channels, 2, channels / 2][random.below(3)]
      let kernel = index % 6 == 0 ? 65 + random.below(20) : 1 + random.below(9)
      let dilation = 1 + random.below(2)
      let builder = GraphBuilder()
      let x = builder.input("x", [1, channels, 20 + random.below(280)])
      let y = x.convolution(
        channels * (1 + random.below(3)), kernel: kernel, stride: 1 + random.below(2),
        padding: .uniform(kernel / 2 * dilation), dilation: dilation, groups: groups)
      builder.output("y", y.relu())
      builder.output("z", y.transposedConvolution(groups, kernel: 3, stride: 2, groups: groups))
      try expectPlanMatchesReference(try builder.finish(), random: &random)
    }
  }
}

/// A network that grows by random layers.
private struct RandomNetwork {
  private let builder = GraphBuilder()
  /// What later layers may take as a second input.
  private var values: [Value]
  private var last: Value

  init(rank: Int, _ random: inout Random) {
    let longest = [1: 150, 2: 16, 3: 5][rank] ?? 1
    var extents = (0..<rank).map { _ in 1 + random.below(longest) }
    if rank > 1, random.below(4) == 0 {
      // A single row.
      extents = extents.map { _ in 1 }
      extents[rank - 1] = 20 + random.below(60)
    }
    let batch = random.below(2) == 0 ? 1 : 1 + random.below(3)
    let channels = [1, 3, 4, 12, 16, 20][random.below(6)]
    last = builder.input("x", Shape([batch, channels] + extents))
    values = [last]
  }

  mutating func finish(layers: Int, _ random: inout Random) throws -> Graph {
    for _ in 0..<layers {
      last = layer(&random)
      values.append(last)
    }
    builder.output("last", last)
    builder.output("middle", values[values.count / 2])
    if random.below(2) == 0 {
      builder.output("scores", last.globalAveragePooling().flattened().linear(5).softmax())
    }
    return try builder.finish()
  }

  private var channels: Int { last.shape[1] }
  private var extents: ArraySlice<Int> { last.shape.dimensions.dropFirst(2) }

  private func layer(_ random: inout Random) -> Value {
    switch random.below(15) {
    case 0, 1, 2: convolution(&random)
    case 3, 4:
      // Depthwise.
      last.convolution(
        channels, kernel: 1 + 2 * random.below(3), padding: .same, groups: channels)
    case 5: transposed(&random)
    case 6: activation(last, &random)
    case 7: last.batchNormalization()
    case 8: pooled(&random)
    case 9: joined(&random)
    case 10: summed(&random)
    case 11: shuffled(&random)
    case 12:
      last.resized(
        to: extents.map { 1 + random.below($0 + 3) },
        random.below(2) == 0 ? .linear : .nearest(.down),
        coordinates: .asymmetric)
    case 13:
      // Squeeze and excitation.
      last
        * last.globalAveragePooling().convolution(4, kernel: 1).relu()
        .convolution(channels, kernel: 1).sigmoid()
    default: last.transposed([0, 1] + Array((2..<last.shape.rank).reversed()))
    }
  }

  private func convolution(_ random: inout Random) -> Value {
    let divisors = (1...channels).filter { channels % $0 == 0 }
    let groups = divisors[random.below(divisors.count)]
    let outputs = groups * (1 + random.below(max(1, 48 / groups)))
    let dilation = 1 + random.below(2)
    let isLong = extents.count == 1 && random.below(4) == 0
    let kernel = extents.map { _ in isLong ? 66 + random.below(10) : 1 + random.below(5) }
    let needed = kernel.map { ($0 - 1) * dilation }
    let before = needed.map { $0 / 2 }
    let result = last.convolution(
      outputs, kernel: kernel, stride: 1 + random.below(2),
      padding: .explicit(before: before, after: zip(needed, before).map { $0 - $1 }),
      dilation: dilation, groups: groups, bias: random.below(2) == 0)
    return random.below(2) == 0 ? activation(result, &random) : result
  }

  private func transposed(_ random: inout Random) -> Value {
    guard last.shape.elementCount < 10_000 else { return activation(last, &random) }
    let groups = random.below(3) == 0 ? channels : 1
    return last.transposedConvolution(
      groups == 1 ? 1 + random.below(20) : channels, kernel: 2 + random.below(2),
      stride: 1 + random.below(2), groups: groups)
  }

  private func activation(_ value: Value, _ random: inout Random) -> Value {
    let functions: [ScalarFunction] = [.relu, .silu, .hardSwish, .leakyReLU(slope: 0.1), .tanh]
    return value.applying(functions[random.below(functions.count)])
  }

  private func pooled(_ random: inout Random) -> Value {
    let kernel = extents.map { min($0, 1 + random.below(3)) }
    let stride = 1 + random.below(2)
    return random.below(2) == 0
      ? last.maxPooling(kernel, stride: stride) : last.averagePooling(kernel, stride: stride)
  }

  /// A concatenation with an earlier value of the same extents.
  private func joined(_ random: inout Random) -> Value {
    let others = values.filter {
      $0.shape.dimensions.dropFirst(2) == extents && $0.shape[1] + channels <= 80
    }
    guard !others.isEmpty else { return activation(last, &random) }
    return concatenate([last, others[random.below(others.count)]])
  }

  /// A sum with an earlier value of the same shape.
  private func summed(_ random: inout Random) -> Value {
    let others = values.filter { $0.shape == last.shape }
    return last + others[random.below(others.count)]
  }

  private func shuffled(_ random: inout Random) -> Value {
    guard channels % 2 == 0 else { return activation(last, &random) }
    if random.below(2) == 0 { return last.channelShuffle(groups: 2) }
    let first = random.below(channels / 2)
    return last.sliced(first..<channels / 2 + 1 + random.below(channels / 2), dimension: 1)
  }
}
