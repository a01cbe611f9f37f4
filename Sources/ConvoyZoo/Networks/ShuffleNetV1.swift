import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// ShuffleNet v1.
  static let shuffleNetV1 = ZooEntry(
    "shufflenet-v1",
    summary: "ShuffleNet v1: pointwise convolutions in groups, and channel shuffles between",
    source: """
      Zhang, Zhou, Lin and Sun, "ShuffleNet: An Extremely Efficient Convolutional Neural Network for \
      Mobile Devices", 2018
      """,
    attributes: [
      .groups(
        [1, 2, 3, 4, 8], default: 3, meaning: "the groups of the pointwise convolutions"),
      .classes(default: 1000), .size(1...2048, default: 224),
    ]
  ) { (settings) throws(ConvoyError) in
    let (size, groups) = (settings["size"], settings["groups"])
    return try Network(input: [3, size, size]) { image in
      var maps =
        image
        .normalizedConvolution(
          24, kernel: 3, stride: 2, activation: .relu, convolution: "stem.conv", norm: "stem.norm"
        )
        .maxPooling(3, stride: 2, padding: 1, name: "stem.pool")
      for (stage, (channels, count)) in zip(2..., zip(stageChannels(groups), [4, 8, 4])) {
        for index in 0..<count {
          // The first pointwise convolution has too few input channels for groups.
          maps = maps.unit(
            channels, stride: index == 0 ? 2 : 1, groups: groups,
            firstGroups: stage == 2 && index == 0 ? 1 : groups, name: "stage\(stage).\(index)")
        }
      }
      return maps.pooledFeatures().linear(settings["classes"], name: "classifier")
    }
  }
}

/// The paper's Table 1: the channels of stages 2, 3 and 4.
private func stageChannels(_ groups: Int) -> [Int] {
  let second =
    switch groups {
    case 1: 144
    case 2: 200
    case 3: 240
    case 4: 272
    default: 384
    }
  return [second, 2 * second, 4 * second]
}

extension Value {
  /// The paper's Figure 2: 1×1 in groups, shuffle, depthwise 3×3, 1×1 in groups; added to the input
  /// or, with a stride, concatenated with the input's average pool.
  fileprivate func unit(
    _ channels: Int, stride: Int, groups: Int, firstGroups: Int, name: String
  ) -> Value {
    scope(name) { maps in
      let inner = channels / 4
      let outer = stride == 1 ? channels : channels - maps.shape.channels
      let branch =
        maps
        .normalizedConvolution(
          inner, kernel: 1, groups: firstGroups, activation: .relu, convolution: "reduce.conv",
          norm: "reduce.norm"
        )
        .channelShuffle(groups: groups)
        .normalizedConvolution(
          inner, kernel: 3, stride: stride, groups: inner, activation: nil,
          convolution: "depthwise.conv", norm: "depthwise.norm"
        )
        .normalizedConvolution(
          outer, kernel: 1, groups: groups, activation: nil, convolution: "expand.conv",
          norm: "expand.norm")
      if stride == 1 { return (branch + maps).relu() }
      let means = maps.averagePooling(3, stride: stride, padding: 1, name: "shortcut")
      // Means of numbers that are not negative need no ReLU.
      return concatenate([means, branch.relu()])
    }
  }
}
