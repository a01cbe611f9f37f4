import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// VGG-19, configuration E of the paper, with torchvision's names of parameters.
  static let vgg19 = ZooEntry(
    "vgg-19",
    summary: "VGG-19: nothing but 3×3 convolutions, and three large linear layers",
    source: """
      Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", \
      2015
      """,
    attributes: [.classes(default: 1000), .size(32...512, default: 224)]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    return try Network(input: [3, size, size]) { image in
      let features = image.scope("features") { image in
        var (maps, position) = (image, 0)
        for (channels, count) in columnE {
          for _ in 0..<count {
            maps = maps.convolution(channels, kernel: 3, padding: 1, name: "\(position)").relu()
            position += 2
          }
          maps = maps.maxPooling(2, name: "\(position)")
          position += 1
        }
        return maps
      }
      return features.flattened().scope("classifier") { features in
        features
          .linear(4096, name: "0").relu().dropout(0.5, name: "2")
          .linear(4096, name: "3").relu().dropout(0.5, name: "5")
          .linear(settings["classes"], name: "6")
      }
    }
  }
}

/// Column E of the paper's Table 1: channels, and number of convolutions before each pool.
private let columnE: [(channels: Int, count: Int)] = [
  (64, 2), (128, 2), (256, 4), (512, 4), (512, 4),
]
