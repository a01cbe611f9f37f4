import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// EfficientNet-B0, with torchvision's names of parameters.
  ///
  /// Stochastic depth, which skips whole blocks in training, is not included.
  static let efficientNetB0 = ZooEntry(
    "efficientnet-b0",
    summary: "EfficientNet-B0: depthwise bottlenecks with squeeze and excitation, by search",
    source: """
      Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019
      """,
    attributes: [.classes(default: 1000), .size(1...2048, default: 224)]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    return try Network(input: [3, size, size]) { image in
      let features = image.scope("features") { image in
        var maps = image.scope("0") {
          $0.normalizedConvolution(32, kernel: 3, stride: 2, activation: .silu)
        }
        for (stage, row) in rows.enumerated() {
          for index in 0..<row.count {
            maps = maps.bottleneck(
              row, stride: index == 0 ? row.stride : 1, name: "\(stage + 1).\(index)")
          }
        }
        return maps.scope("\(rows.count + 1)") {
          $0.normalizedConvolution(1280, kernel: 1, activation: .silu)
        }
      }
      return features.pooledFeatures().dropout(0.2, name: "classifier.0")
        .linear(settings["classes"], name: "classifier.1")
    }
  }
}

private typealias Row = (expansion: Int, kernel: Int, stride: Int, channels: Int, count: Int)

/// The paper's Table 1.
private let rows: [Row] = [
  (1, 3, 1, 16, 1),
  (6, 3, 2, 24, 2),
  (6, 5, 2, 40, 2),
  (6, 3, 2, 80, 3),
  (6, 5, 1, 112, 3),
  (6, 5, 2, 192, 4),
  (6, 3, 1, 320, 1),
]

extension Value {
  /// Expansion, depthwise convolution, excitation and projection; added to the input if the shapes
  /// are the same.
  fileprivate func bottleneck(_ row: Row, stride: Int, name: String) -> Value {
    scope(name) { maps in
      let inputs = maps.shape.channels
      let wide = inputs * row.expansion
      let branch = maps.scope("block") { maps in
        // Without an expansion, the first of the four steps is left out.
        let first = row.expansion == 1 ? 0 : 1
        let widened =
          row.expansion == 1
          ? maps
          : maps.scope("0") { $0.normalizedConvolution(wide, kernel: 1, activation: .silu) }
        return
          widened
          .scope("\(first)") {
            $0.normalizedConvolution(
              wide, kernel: row.kernel, stride: stride, groups: wide, activation: .silu)
          }
          .excited(through: max(inputs / 4, 1), activation: .silu, name: "\(first + 1)")
          .scope("\(first + 2)") {
            $0.normalizedConvolution(row.channels, kernel: 1, activation: nil)
          }
      }
      return stride == 1 && inputs == row.channels ? branch + maps : branch
    }
  }
}
