import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// SqueezeNet 1.0, with torchvision's names of parameters.
  static let squeezeNet10 = ZooEntry(
    "squeezenet-1.0",
    summary: "SqueezeNet 1.0, AlexNet's accuracy with a fiftieth of its parameters",
    source: squeezeNetPaper,
    attributes: [.classes(default: 1000), .size(29...2048, default: 224)]
  ) { (settings) throws(ConvoyError) in
    try squeezeNetwork(settings) { image in
      image
        .convolution(96, kernel: 7, stride: 2, name: "0").relu()
        .maxPooling(3, stride: 2, roundsUp: true, name: "2")
        .fire("3", squeeze: 16, expand: 64)
        .fire("4", squeeze: 16, expand: 64)
        .fire("5", squeeze: 32, expand: 128)
        .maxPooling(3, stride: 2, roundsUp: true, name: "6")
        .fire("7", squeeze: 32, expand: 128)
        .fire("8", squeeze: 48, expand: 192)
        .fire("9", squeeze: 48, expand: 192)
        .fire("10", squeeze: 64, expand: 256)
        .maxPooling(3, stride: 2, roundsUp: true, name: "11")
        .fire("12", squeeze: 64, expand: 256)
    }
  }

  /// SqueezeNet 1.1, with torchvision's names of parameters.
  static let squeezeNet11 = ZooEntry(
    "squeezenet-1.1",
    summary: "SqueezeNet 1.1, as accurate as 1.0 with less than half of its work",
    source: squeezeNetPaper + "; form 1.1 from the authors' repository",
    attributes: [.classes(default: 1000), .size(25...2048, default: 224)]
  ) { (settings) throws(ConvoyError) in
    try squeezeNetwork(settings) { image in
      image
        .convolution(64, kernel: 3, stride: 2, name: "0").relu()
        .maxPooling(3, stride: 2, roundsUp: true, name: "2")
        .fire("3", squeeze: 16, expand: 64)
        .fire("4", squeeze: 16, expand: 64)
        .maxPooling(3, stride: 2, roundsUp: true, name: "5")
        .fire("6", squeeze: 32, expand: 128)
        .fire("7", squeeze: 32, expand: 128)
        .maxPooling(3, stride: 2, roundsUp: true, name: "8")
        .fire("9", squeeze: 48, expand: 192)
        .fire("10", squeeze: 48, expand: 192)
        .fire("11", squeeze: 64, expand: 256)
        .fire("12", squeeze: 64, expand: 256)
    }
  }
}

private let squeezeNetPaper = """
  Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer, "SqueezeNet: AlexNet-level accuracy with 50x \
  fewer parameters and <0.5MB model size", 2016
  """

/// A form's features, followed by the head that both forms share.
private func squeezeNetwork(
  _ settings: ZooSettings, features: (Value) -> Value
) throws(ConvoyError) -> Network {
  let size = settings["size"]
  return try Network(input: [3, size, size]) { image in
    image.scope("features", features).scope("classifier") { features in
      features
        .dropout(0.5, name: "0")
        .convolution(settings["classes"], kernel: 1, name: "1").relu()
        .globalAveragePooling(name: "3")
        .flattened()
    }
  }
}

extension Value {
  /// The paper's fire module: a 1×1 to few channels, then a 1×1 and a 3×3 in parallel, which are
  /// concatenated.
  ///
  /// - Parameter expanded: the output channels of each of the two.
  fileprivate func fire(_ name: String, squeeze squeezed: Int, expand expanded: Int) -> Value {
    scope(name) { image in
      let few = image.convolution(squeezed, kernel: 1, name: "squeeze").relu()
      return concatenate([
        few.convolution(expanded, kernel: 1, name: "expand1x1").relu(),
        few.convolution(expanded, kernel: 3, padding: 1, name: "expand3x3").relu(),
      ])
    }
  }
}
