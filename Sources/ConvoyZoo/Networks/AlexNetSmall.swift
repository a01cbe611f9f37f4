import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// AlexNet's structure for small images: five 3×3 convolutions, the second, fourth and fifth in
  /// towers, the third dense, which joins the towers.
  ///
  /// Every group has a multiple of eight channels, which suits the kernels for narrow groups.
  static let alexNetSmall = ZooEntry(
    "alexnet-small",
    summary: "AlexNet's plan of towers at the scale of 8×8 digits",
    source: "Convoy, after Krizhevsky, Sutskever and Hinton, 2012",
    attributes: [
      .groups(
        [1, 2, 4], default: 2, dividing: [32, 64],
        meaning: "the number of towers: the groups of conv2, conv4 and conv5"),
      .classes(default: 10), .size(4...256, default: 8), .channels(default: 1),
    ]
  ) { (settings) throws(ConvoyError) in
    let (size, towers) = (settings["size"], settings["groups"])
    return try Network(input: [settings["channels"], size, size]) { image in
      let features =
        image
        .convolution(32, kernel: 3, padding: 1, name: "conv1").relu()
        .convolution(32, kernel: 3, padding: 1, groups: towers, name: "conv2").relu()
        .maxPooling(2, name: "pool2")
        .convolution(64, kernel: 3, padding: 1, name: "conv3").relu()
        .convolution(64, kernel: 3, padding: 1, groups: towers, name: "conv4").relu()
        .convolution(64, kernel: 3, padding: 1, groups: towers, name: "conv5").relu()
        .maxPooling(2, name: "pool5")
      return
        features.flattened()
        .linear(128, name: "fc6").relu().dropout(0.5, name: "drop6")
        .linear(settings["classes"], name: "fc7")
    }
  }
}
