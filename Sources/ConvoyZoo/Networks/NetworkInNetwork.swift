import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// Network in Network, for CIFAR-10 and for ImageNet, and its forms with roots, whose groups
  /// halve with depth.
  ///
  /// Each spatial convolution is followed by two of 1×1, "cascaded cross-channel parametric
  /// pooling", which mix the groups. Pools round up, so that 32×32 becomes 16×16 and 8×8.
  static let networkInNetwork = ZooEntry(
    "nin",
    summary: "Network in Network for CIFAR-10 or ImageNet, dense or as root-2 … root-16",
    source: """
      Lin, Chen and Yan, "Network In Network", 2013, and the authors' repository; roots: Ioannou, \
      Robertson, Cipolla and Criminisi, "Deep Roots: Improving CNN Efficiency with Hierarchical \
      Filter Groups", 2016
      """,
    attributes: [
      .form("cifar", "imagenet", meaning: "for images of 32×32, or the larger network"),
      .groups(
        [1, 2, 4, 8, 16], default: 1, dividing: [96, 192],
        meaning: "root-N: the groups of conv2; conv3 has half as many, conv4 a quarter"),
      .classes(default: 10).inForm("imagenet", default: "1000"),
      .size(6...512, default: 32).inForm("imagenet", .wholeNumbers(55...2048), default: "224"),
    ]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    let isSmall = settings.word("form") == "cifar"
    let (root, classes) = (settings["groups"], settings["classes"])
    return try Network(input: [3, size, size]) { image in
      isSmall
        ? image.networkInNetwork(root: root, classes: classes)
        : image.largeNetworkInNetwork(root: root, classes: classes)
    }
  }
}

extension Value {
  /// The paper's network for CIFAR-10.
  fileprivate func networkInNetwork(root: Int, classes: Int) -> Value {
    self
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
      .convolution(classes, kernel: 1, name: "cccp6").relu()
      .globalAveragePooling(name: "pool3")
      .flattened()
  }

  /// The authors' network for ImageNet.
  fileprivate func largeNetworkInNetwork(root: Int, classes: Int) -> Value {
    self
      .convolution(96, kernel: 11, stride: 4, name: "conv1").relu()
      .convolution(96, kernel: 1, name: "cccp1").relu()
      .convolution(96, kernel: 1, name: "cccp2").relu()
      .maxPooling(3, stride: 2, roundsUp: true, name: "pool1")

      .convolution(256, kernel: 5, padding: 2, groups: root, name: "conv2").relu()
      .convolution(256, kernel: 1, name: "cccp3").relu()
      .convolution(256, kernel: 1, name: "cccp4").relu()
      .maxPooling(3, stride: 2, roundsUp: true, name: "pool2")

      .convolution(384, kernel: 3, padding: 1, groups: max(root / 2, 1), name: "conv3").relu()
      .convolution(384, kernel: 1, name: "cccp5").relu()
      .convolution(384, kernel: 1, name: "cccp6").relu()
      .maxPooling(3, stride: 2, roundsUp: true, name: "pool3").dropout(0.5, name: "drop3")

      .convolution(1024, kernel: 3, padding: 1, groups: max(root / 4, 1), name: "conv4").relu()
      .convolution(1024, kernel: 1, name: "cccp7").relu()
      .convolution(classes, kernel: 1, name: "cccp8").relu()
      .globalAveragePooling(name: "pool4")
      .flattened()
  }
}
