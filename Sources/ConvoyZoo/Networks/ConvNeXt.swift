import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// ConvNeXt-Tiny, with torchvision's names of parameters.
  ///
  /// Stochastic depth, which skips whole blocks in training, is not included.
  static let convNeXtTiny = ZooEntry(
    "convnext-tiny",
    summary: "ConvNeXt-Tiny: depthwise 7×7 convolutions, layer normalisation, GELU",
    source: """
      Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the 2020s", 2022
      """,
    attributes: [.classes(default: 1000), .size(32...2048, default: 224)]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    return try Network(input: [3, size, size]) { image in
      let features = image.scope("features") { image in
        var maps =
          image
          .convolution(
            stages[0].channels, kernel: 4, stride: 4, initializer: initializer, name: "0.0"
          )
          .layerNormalization(epsilon: epsilon, name: "0.1")
        for (index, stage) in stages.enumerated() {
          if index > 0 {
            maps =
              maps
              .layerNormalization(epsilon: epsilon, name: "\(2 * index).0")
              .convolution(
                stage.channels, kernel: 2, stride: 2, initializer: initializer,
                name: "\(2 * index).1")
          }
          for block in 0..<stage.count { maps = maps.block("\(2 * index + 1).\(block)") }
        }
        return maps
      }
      return
        features.globalAveragePooling(name: "avgpool")
        .layerNormalization(epsilon: epsilon, name: "classifier.0")
        .flattened()
        .linear(settings["classes"], initializer: initializer, name: "classifier.2")
    }
  }
}

/// The paper's Table 9: channels, and number of blocks.
private let stages: [(channels: Int, count: Int)] = [(96, 3), (192, 3), (384, 9), (768, 3)]

/// The number that all layer normalisations add to the variance.
private let epsilon: Float = 1e-6

/// The initialization of weights.
private let initializer = Initializer.normal(deviation: 0.02)

extension Value {
  /// The paper's Figure 4: depthwise 7×7, layer normalisation, expansion to four times the
  /// channels, projection, a factor for each channel; added to the input.
  fileprivate func block(_ name: String) -> Value {
    scope(name) { maps in
      let channels = maps.shape.channels
      let branch = maps.scope("block") { maps in
        maps
          .convolution(
            channels, kernel: 7, padding: 3, groups: channels, initializer: initializer, name: "0"
          )
          .layerNormalization(epsilon: epsilon, name: "2")
          .pointwise(4 * channels, name: "3").gelu()
          .pointwise(channels, name: "5")
      }
      let scale = builder.parameter(
        "layer_scale", [channels, 1, 1], Parameter(.constant(1e-6)))
      return branch * scale.reshaped([1, channels, 1, 1]) + maps
    }
  }

  /// A linear layer at each pixel: a 1×1 convolution with weights of shape [outputs, inputs].
  private func pointwise(_ outputs: Int, name: String) -> Value {
    let inputs = shape.channels
    let weights = builder.parameter("\(name).weight", [outputs, inputs], Parameter(initializer))
    let bias = builder.parameter("\(name).bias", [outputs], Parameter(.constant(0)))
    return convolution(weights: weights.reshaped([outputs, inputs, 1, 1]), bias: bias, name: name)
  }
}
