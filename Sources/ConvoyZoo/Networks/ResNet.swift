import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// ResNet-18, with torchvision's names of parameters.
  static let resNet18 = residual(
    "resnet-18", .basic, blocks: [2, 2, 2, 2],
    summary: "ResNet-18: sums around pairs of 3×3 convolutions")

  /// ResNet-34, with torchvision's names of parameters.
  static let resNet34 = residual(
    "resnet-34", .basic, blocks: [3, 4, 6, 3],
    summary: "ResNet-34: sums around pairs of 3×3 convolutions")

  /// ResNet-50, with torchvision's names of parameters.
  static let resNet50 = residual(
    "resnet-50", .bottleneck(groups: 1, width: 64), blocks: [3, 4, 6, 3], hasForms: true,
    summary: "ResNet-50: sums around bottlenecks of 1×1, 3×3 and 1×1 convolutions")

  /// ResNet-101, with torchvision's names of parameters.
  static let resNet101 = residual(
    "resnet-101", .bottleneck(groups: 1, width: 64), blocks: [3, 4, 23, 3], hasForms: true,
    summary: "ResNet-101: sums around bottlenecks of 1×1, 3×3 and 1×1 convolutions")

  /// ResNeXt-50 32×4d, with torchvision's names of parameters: the 3×3 convolutions have twice the
  /// channels, in 32 groups.
  static let resNeXt50 = residual(
    "resnext-50", .bottleneck(groups: 32, width: 4), blocks: [3, 4, 6, 3],
    summary: "ResNeXt-50 32×4d: ResNet-50 whose 3×3 convolutions have 32 groups",
    source: """
      Xie, Girshick, Dollár, Tu and He, "Aggregated Residual Transformations for Deep Neural \
      Networks", 2017
      """)

  /// An entry of the family.
  ///
  /// - Parameters:
  ///   - blocks: the number of blocks in each of the four stages.
  ///   - hasForms: whether there are two forms, which have a bottleneck's stride in different
  ///     convolutions.
  private static func residual(
    _ name: String, _ block: ResidualBlock, blocks: [Int], hasForms: Bool = false, summary: String,
    source: String = residualPaper
  ) -> ZooEntry {
    let form = ZooAttribute.form(
      "v1.5", "v1",
      meaning: "whether a bottleneck's stride is the 3×3's, or, as published, the 1×1's")
    return ZooEntry(
      name, summary: summary, source: source,
      attributes: (hasForms ? [form] : [])
        + [.classes(default: 1000), .size(1...2048, default: 224)]
    ) { (settings) throws(ConvoyError) in
      let size = settings["size"]
      let stridesFirst = hasForms && settings.word("form") == "v1"
      return try Network(input: [3, size, size]) { image in
        var maps =
          image
          .normalizedConvolution(
            64, kernel: 7, stride: 2, activation: .relu, convolution: "conv1", norm: "bn1"
          )
          .maxPooling(3, stride: 2, padding: 1, name: "maxpool")
        for (stage, count) in blocks.enumerated() {
          for index in 0..<count {
            maps = maps.residual(
              block, width: 64 << stage, stride: stage > 0 && index == 0 ? 2 : 1,
              stridesFirst: stridesFirst, name: "layer\(stage + 1).\(index)")
          }
        }
        return maps.pooledFeatures().linear(settings["classes"], name: "fc")
      }
    }
  }
}

private let residualPaper = """
  He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016
  """

/// The residual function of a block.
private enum ResidualBlock {
  /// Two 3×3 convolutions.
  case basic
  /// 1×1, 3×3 in groups, and 1×1 convolutions; `width` is a group's channels in the stage of 64.
  case bottleneck(groups: Int, width: Int)

  /// The factor between a stage's channels and a block's output channels.
  var expansion: Int {
    switch self {
    case .basic: 1
    case .bottleneck: 4
    }
  }
}

extension Value {
  /// A residual block: the sum of its output and its input, which is projected if its shape
  /// differs.
  fileprivate func residual(
    _ block: ResidualBlock, width: Int, stride: Int, stridesFirst: Bool, name: String
  ) -> Value {
    scope(name) { maps in
      let channels = width * block.expansion
      let branch: Value
      switch block {
      case .basic:
        branch =
          maps
          .step(1, width, kernel: 3, stride: stride, activation: .relu)
          .step(2, width, kernel: 3, activation: nil)
      case .bottleneck(let groups, let widthPer64):
        let inner = width * widthPer64 / 64 * groups
        branch =
          maps
          .step(1, inner, kernel: 1, stride: stridesFirst ? stride : 1, activation: .relu)
          .step(
            2, inner, kernel: 3, stride: stridesFirst ? 1 : stride, groups: groups,
            activation: .relu
          )
          .step(3, channels, kernel: 1, activation: nil)
      }
      guard stride != 1 || maps.shape.channels != channels else { return (branch + maps).relu() }
      let shortcut = maps.scope("downsample") {
        $0.normalizedConvolution(channels, kernel: 1, stride: stride, activation: nil)
      }
      return (branch + shortcut).relu()
    }
  }

  /// A convolution of the block, by its number, with its batch norm.
  private func step(
    _ number: Int, _ channels: Int, kernel: Int, stride: Int = 1, groups: Int = 1,
    activation: ScalarFunction?
  ) -> Value {
    normalizedConvolution(
      channels, kernel: kernel, stride: stride, groups: groups, activation: activation,
      convolution: "conv\(number)", norm: "bn\(number)")
  }
}
