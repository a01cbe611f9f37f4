import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// GoogLeNet without its auxiliary heads.
  ///
  /// Torchvision's form has batch norm, 3×3 where the paper has 5×5, and a last pool of 2×2. It has
  /// torchvision's names of parameters.
  static let googLeNet = ZooEntry(
    "googlenet",
    summary: "GoogLeNet (Inception v1), the winner of ILSVRC 2014, without auxiliary heads",
    source: """
      Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke and Rabinovich, "Going Deeper \
      with Convolutions", 2015
      """,
    attributes: [
      .form("torchvision", "paper", meaning: "with batch norm and 3×3, or with biases and 5×5"),
      .classes(default: 1000),
      .size(31...2048, default: 224)
        .inForm("paper", .wholeNumbers(47...2048), default: "224"),
    ]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    let isPaper = settings.word("form") == "paper"
    return try Network(input: [3, size, size]) { image in
      isPaper
        ? image.googLeNet(classes: settings["classes"])
        : image.torchvisionGoogLeNet(classes: settings["classes"])
    }
  }
}

/// A row of the paper's Table 1.
private struct Inception: Sendable {
  /// The module's name: `3a`.
  let name: String
  /// The channels of the 1×1 branch.
  let one: Int
  /// The channels of the 3×3 branch: after its 1×1, and after its 3×3.
  let three: (reduced: Int, Int)
  /// The channels of the 5×5 branch, likewise.
  let five: (reduced: Int, Int)
  /// The channels of the 1×1 after the pool.
  let pool: Int

  init(
    _ name: String, _ one: Int, _ threeReduced: Int, _ three: Int, _ fiveReduced: Int, _ five: Int,
    _ pool: Int
  ) {
    self.name = name
    self.one = one
    self.three = (threeReduced, three)
    self.five = (fiveReduced, five)
    self.pool = pool
  }
}

/// The paper's Table 1: the modules between pools.
private let inceptions: [[Inception]] = [
  [
    Inception("3a", 64, 96, 128, 16, 32, 32),
    Inception("3b", 128, 128, 192, 32, 96, 64),
  ],
  [
    Inception("4a", 192, 96, 208, 16, 48, 64),
    Inception("4b", 160, 112, 224, 24, 64, 64),
    Inception("4c", 128, 128, 256, 24, 64, 64),
    Inception("4d", 112, 144, 288, 32, 64, 64),
    Inception("4e", 256, 160, 320, 32, 128, 128),
  ],
  [
    Inception("5a", 256, 160, 320, 32, 128, 128),
    Inception("5b", 384, 192, 384, 48, 128, 128),
  ],
]

extension Value {
  // MARK: The paper's form

  fileprivate func googLeNet(classes: Int) -> Value {
    var maps =
      self
      .convolution(64, kernel: 7, stride: 2, padding: 3, name: "conv1").relu()
      .maxPooling(3, stride: 2, roundsUp: true, name: "pool1")
      .localResponseNormalization(name: "norm1")
      .convolution(64, kernel: 1, name: "conv2.reduce").relu()
      .convolution(192, kernel: 3, padding: 1, name: "conv2").relu()
      .localResponseNormalization(name: "norm2")
      .maxPooling(3, stride: 2, roundsUp: true, name: "pool2")
    for (stage, modules) in inceptions.enumerated() {
      if stage > 0 {
        maps = maps.maxPooling(3, stride: 2, roundsUp: true, name: "pool\(stage + 2)")
      }
      for module in modules { maps = maps.inception(module) }
    }
    return maps.globalAveragePooling(name: "pool5").flattened()
      .dropout(0.4, name: "dropout").linear(classes, name: "classifier")
  }

  /// Four parallel branches, concatenated.
  private func inception(_ module: Inception) -> Value {
    scope("inception\(module.name)") { maps in
      concatenate([
        maps.convolution(module.one, kernel: 1, name: "1x1").relu(),
        maps.convolution(module.three.reduced, kernel: 1, name: "3x3.reduce").relu()
          .convolution(module.three.1, kernel: 3, padding: 1, name: "3x3").relu(),
        maps.convolution(module.five.reduced, kernel: 1, name: "5x5.reduce").relu()
          .convolution(module.five.1, kernel: 5, padding: 2, name: "5x5").relu(),
        maps.maxPooling(3, stride: 1, padding: 1, name: "pool")
          .convolution(module.pool, kernel: 1, name: "pool.proj").relu(),
      ])
    }
  }

  // MARK: Torchvision's form

  fileprivate func torchvisionGoogLeNet(classes: Int) -> Value {
    var maps =
      self
      .unit("conv1", 64, kernel: 7, stride: 2)
      .maxPooling(3, stride: 2, roundsUp: true, name: "maxpool1")
      .unit("conv2", 64, kernel: 1)
      .unit("conv3", 192, kernel: 3)
      .maxPooling(3, stride: 2, roundsUp: true, name: "maxpool2")
    for (stage, modules) in inceptions.enumerated() {
      if stage > 0 {
        maps = maps.maxPooling(
          stage == 1 ? 3 : 2, stride: 2, roundsUp: true, name: "maxpool\(stage + 2)")
      }
      for module in modules { maps = maps.torchvisionInception(module) }
    }
    return maps.pooledFeatures().dropout(0.2, name: "dropout").linear(classes, name: "fc")
  }

  /// Four parallel branches, concatenated. The third has a 3×3 where the paper has a 5×5: a known
  /// mistake of torchvision's, on which its weights depend.
  private func torchvisionInception(_ module: Inception) -> Value {
    scope("inception\(module.name)") { maps in
      concatenate([
        maps.unit("branch1", module.one, kernel: 1),
        maps.unit("branch2.0", module.three.reduced, kernel: 1)
          .unit("branch2.1", module.three.1, kernel: 3),
        maps.unit("branch3.0", module.five.reduced, kernel: 1)
          .unit("branch3.1", module.five.1, kernel: 3),
        maps.maxPooling(3, stride: 1, padding: 1, roundsUp: true, name: "branch4.0")
          .unit("branch4.1", module.pool, kernel: 1),
      ])
    }
  }

  /// Torchvision's `BasicConv2d`.
  private func unit(_ name: String, _ channels: Int, kernel: Int, stride: Int = 1) -> Value {
    scope(name) {
      $0.normalizedConvolution(
        channels, kernel: kernel, stride: stride, settings: NormSettings(epsilon: 1e-3),
        activation: .relu, convolution: "conv", norm: "bn")
    }
  }
}
