import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// AlexNet as published, with two towers that are joined in conv3 and in the fully-connected
  /// layers; or its single-tower successor, with torchvision's names of parameters.
  ///
  /// The paper says 224×224, but its maps of 55×55 need 227×227.
  static let alexNet = ZooEntry(
    "alexnet",
    summary: "AlexNet in its two-tower form, the winner of ILSVRC 2012, or torchvision's",
    source: """
      Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural \
      Networks", 2012; torchvision's form: Krizhevsky, "One weird trick for parallelizing \
      convolutional neural networks", 2014
      """,
    attributes: [
      .form("paper", "torchvision", meaning: "the two-tower network, or torchvision's"),
      .groups(
        [1, 2, 4], default: 2, dividing: [96, 256, 384],
        meaning: "the number of towers: the groups of conv2, conv4 and conv5"
      )
      .inForm("torchvision", .groups([1, 2, 4], dividing: [64, 192, 256, 384]), default: "1"),
      .classes(default: 1000),
      .size(67...512, default: 227)
        .inForm("torchvision", .wholeNumbers(63...512), default: "224"),
    ]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    let isPaper = settings.word("form") == "paper"
    let (towers, classes) = (settings["groups"], settings["classes"])
    return try Network(input: [3, size, size]) { image in
      isPaper
        ? image.alexNet(towers: towers, classes: classes)
        : image.torchvisionAlexNet(groups: towers, classes: classes)
    }
  }
}

extension Value {
  /// The paper's Figure 2.
  fileprivate func alexNet(towers: Int, classes: Int) -> Value {
    let features =
      self
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
      .linear(classes, name: "fc8")
  }

  /// Fewer filters, no response normalisation. With more than one group, it is not torchvision's.
  fileprivate func torchvisionAlexNet(groups: Int, classes: Int) -> Value {
    let features = scope("features") { image in
      image
        .convolution(64, kernel: 11, stride: 4, padding: 2, name: "0").relu()
        .maxPooling(3, stride: 2, name: "2")
        .convolution(192, kernel: 5, padding: 2, groups: groups, name: "3").relu()
        .maxPooling(3, stride: 2, name: "5")
        .convolution(384, kernel: 3, padding: 1, name: "6").relu()
        .convolution(256, kernel: 3, padding: 1, groups: groups, name: "8").relu()
        .convolution(256, kernel: 3, padding: 1, groups: groups, name: "10").relu()
        .maxPooling(3, stride: 2, name: "12")
    }
    return features.flattened().scope("classifier") { features in
      features
        .dropout(0.5, name: "0").linear(4096, name: "1").relu()
        .dropout(0.5, name: "3").linear(4096, name: "4").relu()
        .linear(classes, name: "6")
    }
  }

  /// With the paper's constants: k = 2, n = 5, β = 0.75, and α = 10⁻⁴ for each of the n.
  fileprivate func responseNormalization(_ name: String) -> Value {
    localResponseNormalization(size: 5, alpha: 5e-4, beta: 0.75, bias: 2, name: name)
  }
}
