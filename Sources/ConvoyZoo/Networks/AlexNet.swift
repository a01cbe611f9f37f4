import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// AlexNet as it was published: two towers, which meet in conv3 and in the fully-connected layers.
  ///
  /// The paper says 224×224, but its maps of 55×55 need 227×227.
  static let alexNet = ZooEntry(
    "alexnet",
    summary: "AlexNet in its two-tower form, the winner of ILSVRC 2012",
    source: """
      Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural \
      Networks", 2012
      """,
    attributes: [
      .groups(
        [1, 2, 4], default: 2, dividing: [96, 256, 384],
        meaning: "the number of towers: the groups of conv2, conv4 and conv5"),
      .classes(default: 1000), .size(67...512, default: 227),
    ]
  ) { settings in
    let (size, towers) = (settings["size"], settings["groups"])
    return try Network(input: [3, size, size]) { image in
      let features =
        image
        .convolution(96, kernel: 11, stride: 4, name: "conv1").relu()
        .responseNormalization("norm1").maxPooling(3, stride: 2, name: "pool1")
        .convolution(256, kernel: 5, padding: 2, groups: towers, name: "conv2").relu()
        .responseNormalization("norm2").maxPooling(3, stride: 2, name: "pool2")
        .convolution(384, kernel: 3, padding: 1, name: "conv3").relu()
        .convolution(384, kernel: 3, padding: 1, groups: towers, name: "conv4").relu()
        .convolution(256, kernel: 3, padding: 1, groups: towers, name: "conv5").relu()
        .maxPooling(3, stride: 2, name: "pool5")
      return
        features.flattened()
        .linear(4096, name: "fc6").relu().dropout(0.5, name: "drop6")
        .linear(4096, name: "fc7").relu().dropout(0.5, name: "drop7")
        .linear(settings["classes"], name: "fc8")
    }
  }
}

extension Value {
  /// With the paper's constants: k = 2, n = 5, β = 0.75, and α = 10⁻⁴ for each of the n.
  fileprivate func responseNormalization(_ name: String) -> Value {
    localResponseNormalization(size: 5, alpha: 5e-4, beta: 0.75, bias: 2, name: name)
  }
}
