import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// Network in Network for CIFAR-10, and its roots: forms whose groups halve with depth.
  ///
  /// Each spatial convolution is followed by two of 1×1, "cascaded cross-channel parametric
  /// pooling", where the groups meet. Pools round up, so that 32×32 becomes 16×16 and 8×8.
  static let networkInNetwork = ZooEntry(
    "nin",
    summary: "Network in Network for CIFAR-10, dense or as root-2 … root-16",
    source: """
      Lin, Chen and Yan, "Network In Network", 2013; roots: Ioannou, Robertson, Cipolla and \
      Criminisi, "Deep Roots: Improving CNN Efficiency with Hierarchical Filter Groups", 2016
      """,
    attributes: [
      .groups(
        [1, 2, 4, 8, 16], default: 1, dividing: [96, 192],
        meaning: "root-N: the groups of conv2, half of which conv3 has"),
      .classes(default: 10), .size(6...512, default: 32),
    ]
  ) { settings in
    let (size, root) = (settings["size"], settings["groups"])
    return try Network(input: [3, size, size]) { image in
      image
        .convolution(192, kernel: 5, padding: 2, name: "conv1").relu()
        .convolution(160, kernel: 1, name: "cccp1").relu()
        .convolution(96, kernel: 1, name: "cccp2").relu()
        .maxPooling(3, stride: 2, roundsUp: true, name: "pool1").dropout(0.5, name: "drop1")

        .convolution(192, kernel: 5, padding: 2, groups: root, name: "conv2").relu()
        .convolution(192, kernel: 1, name: "cccp3").relu()
        .convolution(192, kernel: 1, name: "cccp4").relu()
        .averagePooling(3, stride: 2, roundsUp: true, name: "pool2").dropout(0.5, name: "drop2")

        .convolution(192, kernel: 3, padding: 1, groups: max(root / 2, 1), name: "conv3").relu()
        .convolution(192, kernel: 1, name: "cccp5").relu()
        .convolution(settings["classes"], kernel: 1, name: "cccp6").relu()
        .globalAveragePooling(name: "pool3")
        .flattened()
    }
  }
}
