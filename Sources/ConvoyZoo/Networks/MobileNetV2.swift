import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// MobileNet v2, with torchvision's names of parameters.
  static let mobileNetV2 = ZooEntry(
    "mobilenet-v2",
    summary: "MobileNet v2: sums between narrow maps, depthwise convolutions on wide ones",
    source: """
      Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear \
      Bottlenecks", 2018
      """,
    attributes: [
      .width(.numbers(0.125...4)), .classes(default: 1000), .size(1...2048, default: 224),
    ]
  ) { (settings) throws(ConvoyError) in
    let (size, width) = (settings["size"], settings.number("width"))
    return try Network(input: [3, size, size]) { image in
      let features = image.scope("features") { image in
        var maps = image.scope("0") {
          $0.normalizedConvolution(
            roundedChannels(32, by: width), kernel: 3, stride: 2, activation: .relu6)
        }
        var position = 1
        for row in rows {
          for index in 0..<row.count {
            maps = maps.invertedResidual(
              roundedChannels(row.channels, by: width), expansion: row.expansion,
              stride: index == 0 ? row.stride : 1, name: "\(position)")
            position += 1
          }
        }
        return maps.scope("\(position)") {
          $0.normalizedConvolution(
            roundedChannels(1280, by: max(width, 1)), kernel: 1, activation: .relu6)
        }
      }
      return features.pooledFeatures().dropout(0.2, name: "classifier.0")
        .linear(settings["classes"], name: "classifier.1")
    }
  }
}

/// The paper's Table 2: the expansion t, the channels c, the repetitions n, and the first stride s.
private let rows: [(expansion: Int, channels: Int, count: Int, stride: Int)] = [
  (1, 16, 1, 1),
  (6, 24, 2, 2),
  (6, 32, 3, 2),
  (6, 64, 4, 2),
  (6, 96, 3, 1),
  (6, 160, 3, 2),
  (6, 320, 1, 1),
]

extension Value {
  /// Expansion by a 1×1 convolution, depthwise 3×3, projection by a 1×1 without an activation;
  /// added to the input if the shapes are the same.
  fileprivate func invertedResidual(
    _ channels: Int, expansion: Int, stride: Int, name: String
  ) -> Value {
    scope(name) { maps in
      let wide = maps.shape.channels * expansion
      let branch = maps.scope("conv") { maps in
        // Without an expansion, the first of the four steps is left out.
        let first = expansion == 1 ? 0 : 1
        let widened =
          expansion == 1
          ? maps
          : maps.scope("0") { $0.normalizedConvolution(wide, kernel: 1, activation: .relu6) }
        return
          widened
          .scope("\(first)") {
            $0.normalizedConvolution(
              wide, kernel: 3, stride: stride, groups: wide, activation: .relu6)
          }
          .normalizedConvolution(
            channels, kernel: 1, activation: nil, convolution: "\(first + 1)",
            norm: "\(first + 2)")
      }
      return stride == 1 && maps.shape.channels == channels ? branch + maps : branch
    }
  }
}
