import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// DenseNet-121, with torchvision's names of parameters.
  static let denseNet121 = ZooEntry(
    "densenet-121",
    summary: "DenseNet-121: each layer sees the maps of all layers before it",
    source: """
      Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", 2017
      """,
    attributes: [.classes(default: 1000), .size(29...2048, default: 224)]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    return try Network(input: [3, size, size]) { image in
      let features = image.scope("features") { image in
        var maps =
          image
          .normalizedConvolution(
            64, kernel: 7, stride: 2, activation: .relu, convolution: "conv0", norm: "norm0"
          )
          .maxPooling(3, stride: 2, padding: 1, name: "pool0")
        for (block, count) in zip(1..., layerCounts) {
          if block > 1 { maps = maps.transition("transition\(block - 1)") }
          maps = maps.denseBlock("denseblock\(block)", layers: count)
        }
        return maps.batchNormalization(name: "norm5").relu()
      }
      return features.pooledFeatures().linear(settings["classes"], name: "classifier")
    }
  }
}

/// The paper's Table 1: the number of layers in each block.
private let layerCounts = [6, 12, 24, 16]

/// The channels that each layer adds; the paper's k.
private let growth = 32

extension Value {
  /// Layers that each read all channels so far, and add some.
  fileprivate func denseBlock(_ name: String, layers: Int) -> Value {
    scope(name) { input in
      var maps = [input]
      for layer in 1...layers {
        maps.append(concatenate(maps).denseLayer("denselayer\(layer)"))
      }
      return concatenate(maps)
    }
  }

  /// A 1×1 and a 3×3 convolution, each after batch norm and ReLU.
  private func denseLayer(_ name: String) -> Value {
    scope(name) { maps in
      maps
        .batchNormalization(name: "norm1").relu()
        .convolution(4 * growth, kernel: 1, bias: false, name: "conv1")
        .batchNormalization(name: "norm2").relu()
        .convolution(growth, kernel: 3, padding: 1, bias: false, name: "conv2")
    }
  }

  /// Half as many channels, at half the extents.
  fileprivate func transition(_ name: String) -> Value {
    scope(name) { maps in
      maps
        .batchNormalization(name: "norm").relu()
        .convolution(maps.shape.channels / 2, kernel: 1, bias: false, name: "conv")
        .averagePooling(2, name: "pool")
    }
  }
}
