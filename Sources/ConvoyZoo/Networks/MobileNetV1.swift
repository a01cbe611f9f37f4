import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// MobileNet v1: alternating depthwise 3×3 and pointwise 1×1 convolutions.
  ///
  /// At the paper's widths, 1, ¾, ½ and ¼, no number of channels needs rounding.
  static let mobileNetV1 = ZooEntry(
    "mobilenet-v1",
    summary: "MobileNet v1, depthwise and pointwise convolutions in turn",
    source: """
      Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto and Adam, "MobileNets: Efficient \
      Convolutional Neural Networks for Mobile Vision Applications", 2017
      """,
    attributes: [
      .width(.numbers(0.125...4)), .classes(default: 1000), .size(1...2048, default: 224),
    ]
  ) { (settings) throws(ConvoyError) in
    let (size, width) = (settings["size"], settings.number("width"))
    func channels(_ count: Int) -> Int { roundedChannels(count, by: width) }

    return try Network(input: [3, size, size]) { image in
      var maps =
        image
        .convolution(
          channels(32), kernel: 3, stride: 2, padding: 1, bias: false, name: "stem.conv"
        )
        .batchNormalization(name: "stem.norm").relu()
      for (index, block) in separableBlocks.enumerated() {
        maps = maps.separable(
          channels(block.channels), stride: block.stride, name: "block\(index + 1)")
      }
      return maps.globalAveragePooling(name: "pool").flattened()
        .linear(settings["classes"], name: "classifier")
    }
  }
}

/// The rows of the paper's Table 1: the outputs of each pair of a depthwise and a pointwise
/// convolution.
private let separableBlocks: [(channels: Int, stride: Int)] = [
  (64, 1),
  (128, 2), (128, 1),
  (256, 2), (256, 1),
  (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
  (1024, 2), (1024, 1),
]

extension Value {
  /// A depthwise 3×3 and a pointwise 1×1 convolution, each with batch norm and ReLU.
  fileprivate func separable(_ outputChannels: Int, stride: Int, name: String) -> Value {
    scope(name) { maps in
      maps
        .convolution(
          maps.shape[1], kernel: 3, stride: stride, padding: 1, groups: maps.shape[1],
          bias: false, name: "depthwise.conv"
        )
        .batchNormalization(name: "depthwise.norm").relu()
        .convolution(outputChannels, kernel: 1, bias: false, name: "pointwise.conv")
        .batchNormalization(name: "pointwise.norm").relu()
    }
  }
}
