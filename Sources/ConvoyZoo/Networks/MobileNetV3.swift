import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// MobileNet v3-Large, with torchvision's names of parameters.
  static let mobileNetV3Large = mobileNetV3(
    "mobilenet-v3-large", summary: "MobileNet v3-Large: v2 with squeeze and excitation, by search",
    rows: largeRows, last: 1280)

  /// MobileNet v3-Small, with torchvision's names of parameters.
  static let mobileNetV3Small = mobileNetV3(
    "mobilenet-v3-small", summary: "MobileNet v3-Small: v2 with squeeze and excitation, by search",
    rows: smallRows, last: 1024)

  private static func mobileNetV3(
    _ name: String, summary: String, rows: [Row], last: Int
  ) -> ZooEntry {
    ZooEntry(
      name, summary: summary,
      source: """
        Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le and Adam, "Searching \
        for MobileNetV3", 2019
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
              roundedChannels(16, by: width), kernel: 3, stride: 2, settings: norm,
              activation: .hardSwish)
          }
          for (index, row) in rows.enumerated() {
            maps = maps.bottleneck(row, width: width, name: "\(index + 1)")
          }
          return maps.scope("\(rows.count + 1)") { maps in
            maps.normalizedConvolution(
              6 * maps.shape.channels, kernel: 1, settings: norm, activation: .hardSwish)
          }
        }
        return features.pooledFeatures().scope("classifier") { features in
          features
            .linear(roundedChannels(last, by: width), name: "0").hardSwish()
            .dropout(0.2, name: "2")
            .linear(settings["classes"], name: "3")
        }
      }
    }
  }
}

/// The settings of all batch norms.
private let norm = NormSettings(epsilon: 1e-3, momentum: 0.01)

/// A row of the paper's Tables 1 and 2.
private struct Row: Sendable {
  let kernel: Int
  let wide: Int
  let channels: Int
  let isExcited: Bool
  let activation: ScalarFunction
  let stride: Int

  init(
    _ kernel: Int, _ wide: Int, _ channels: Int, excited isExcited: Bool = false,
    _ activation: ScalarFunction, _ stride: Int
  ) {
    self.kernel = kernel
    self.wide = wide
    self.channels = channels
    self.isExcited = isExcited
    self.activation = activation
    self.stride = stride
  }
}

/// The rows of bottlenecks in the paper's Table 1.
private let largeRows = [
  Row(3, 16, 16, .relu, 1),
  Row(3, 64, 24, .relu, 2),
  Row(3, 72, 24, .relu, 1),
  Row(5, 72, 40, excited: true, .relu, 2),
  Row(5, 120, 40, excited: true, .relu, 1),
  Row(5, 120, 40, excited: true, .relu, 1),
  Row(3, 240, 80, .hardSwish, 2),
  Row(3, 200, 80, .hardSwish, 1),
  Row(3, 184, 80, .hardSwish, 1),
  Row(3, 184, 80, .hardSwish, 1),
  Row(3, 480, 112, excited: true, .hardSwish, 1),
  Row(3, 672, 112, excited: true, .hardSwish, 1),
  Row(5, 672, 160, excited: true, .hardSwish, 2),
  Row(5, 960, 160, excited: true, .hardSwish, 1),
  Row(5, 960, 160, excited: true, .hardSwish, 1),
]

/// The rows of bottlenecks in the paper's Table 2.
private let smallRows = [
  Row(3, 16, 16, excited: true, .relu, 2),
  Row(3, 72, 24, .relu, 2),
  Row(3, 88, 24, .relu, 1),
  Row(5, 96, 40, excited: true, .hardSwish, 2),
  Row(5, 240, 40, excited: true, .hardSwish, 1),
  Row(5, 240, 40, excited: true, .hardSwish, 1),
  Row(5, 120, 48, excited: true, .hardSwish, 1),
  Row(5, 144, 48, excited: true, .hardSwish, 1),
  Row(5, 288, 96, excited: true, .hardSwish, 2),
  Row(5, 576, 96, excited: true, .hardSwish, 1),
  Row(5, 576, 96, excited: true, .hardSwish, 1),
]

extension Value {
  /// Expansion, depthwise convolution, excitation if the row has it, and projection; added to the
  /// input if the shapes are the same.
  fileprivate func bottleneck(_ row: Row, width: Double, name: String) -> Value {
    scope(name) { maps in
      let wide = roundedChannels(row.wide, by: width)
      let channels = roundedChannels(row.channels, by: width)
      let branch = maps.scope("block") { maps in
        var (branch, position) = (maps, 0)
        func append(_ step: (Value) -> Value) {
          branch = branch.scope("\(position)", step)
          position += 1
        }
        if wide != maps.shape.channels {
          append {
            $0.normalizedConvolution(
              wide, kernel: 1, settings: norm, activation: row.activation)
          }
        }
        append {
          $0.normalizedConvolution(
            wide, kernel: row.kernel, stride: row.stride, groups: wide, settings: norm,
            activation: row.activation)
        }
        if row.isExcited {
          branch = branch.excited(
            through: roundedChannels(wide / 4), activation: .relu, gate: .hardSigmoid,
            name: "\(position)")
          position += 1
        }
        append {
          $0.normalizedConvolution(channels, kernel: 1, settings: norm, activation: nil)
        }
        return branch
      }
      return row.stride == 1 && maps.shape.channels == channels ? branch + maps : branch
    }
  }
}
