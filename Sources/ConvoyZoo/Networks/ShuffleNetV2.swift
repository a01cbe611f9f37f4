import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// ShuffleNet v2, with torchvision's names of parameters.
  static let shuffleNetV2 = ZooEntry(
    "shufflenet-v2",
    summary: "ShuffleNet v2: half of the channels pass each unit untouched",
    source: """
      Ma, Zhang, Zheng and Sun, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture \
      Design", 2018
      """,
    attributes: [
      .width(.oneOf([0.5, 1, 1.5, 2])), .classes(default: 1000), .size(1...2048, default: 224),
    ]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    let width = settings.number("width")
    let last = width == 2 ? 2048 : 1024
    return try Network(input: [3, size, size]) { image in
      var maps =
        image
        .scope("conv1") {
          $0.normalizedConvolution(24, kernel: 3, stride: 2, activation: .relu)
        }
        .maxPooling(3, stride: 2, padding: 1, name: "maxpool")
      for (stage, (channels, count)) in zip(2..., zip(stageChannels(width), [4, 8, 4])) {
        maps = maps.reducingUnit(channels, name: "stage\(stage).0")
        for index in 1..<count { maps = maps.unit(name: "stage\(stage).\(index)") }
      }
      return
        maps
        .scope("conv5") { $0.normalizedConvolution(last, kernel: 1, activation: .relu) }
        .pooledFeatures().linear(settings["classes"], name: "fc")
    }
  }
}

/// The paper's Table 5: the channels of stages 2, 3 and 4.
private func stageChannels(_ width: Double) -> [Int] {
  let second =
    switch width {
    case 0.5: 48
    case 1: 116
    case 1.5: 176
    default: 244
    }
  return [second, 2 * second, 4 * second]
}

extension Value {
  /// Half of the channels are unchanged, half are convolved; then the halves are shuffled.
  fileprivate func unit(name: String) -> Value {
    scope(name) { maps in
      let halves = maps.split(into: 2)
      let convolved = halves[1].branch(halves[1].shape.channels, stride: 1)
      return concatenate([halves[0], convolved]).channelShuffle(groups: 2)
    }
  }

  /// Two branches that each read all channels, with stride 2; then they are shuffled.
  fileprivate func reducingUnit(_ channels: Int, name: String) -> Value {
    scope(name) { maps in
      let inputs = maps.shape.channels
      let shortcut = maps.scope("branch1") {
        $0.normalizedConvolution(inputs, kernel: 3, stride: 2, groups: inputs, activation: nil)
          .normalizedConvolution(
            channels / 2, kernel: 1, activation: .relu, convolution: "2", norm: "3")
      }
      return concatenate([shortcut, maps.branch(channels / 2, stride: 2)])
        .channelShuffle(groups: 2)
    }
  }

  /// 1×1, depthwise 3×3 and 1×1 convolutions.
  private func branch(_ channels: Int, stride: Int) -> Value {
    scope("branch2") { maps in
      maps
        .normalizedConvolution(channels, kernel: 1, activation: .relu)
        .normalizedConvolution(
          channels, kernel: 3, stride: stride, groups: channels, activation: nil,
          convolution: "3", norm: "4"
        )
        .normalizedConvolution(
          channels, kernel: 1, activation: .relu, convolution: "5", norm: "6")
    }
  }
}
