import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// Xception in Keras's form, with Keras's names of layers.
  static let xception = ZooEntry(
    "xception",
    summary: "Xception: Inception taken to its end, depthwise separable convolutions",
    source: """
      Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2017
      """,
    attributes: [.classes(default: 1000), .size(7...2048, default: 299)]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    return try Network(input: [3, size, size]) { image in
      // The entry flow.
      var maps =
        image
        .convolution(32, kernel: 3, stride: 2, bias: false, name: "block1.conv1")
        .norm("block1.conv1.norm").relu()
        .convolution(64, kernel: 3, bias: false, name: "block1.conv2")
        .norm("block1.conv2.norm").relu()
        .reducing([128, 128], startsWithReLU: false, name: "block2")
        .reducing([256, 256], name: "block3")
        .reducing([728, 728], name: "block4")
      // The middle flow.
      for block in 5...12 {
        maps = maps.scope("block\(block)") { maps in
          var branch = maps
          for index in 1...3 { branch = branch.relu().separable(728, name: "sepconv\(index)") }
          return branch + maps
        }
      }
      // The exit flow.
      return
        maps
        .reducing([728, 1024], name: "block13")
        .separable(1536, name: "block14.sepconv1").relu()
        .separable(2048, name: "block14.sepconv2").relu()
        .pooledFeatures().dropout(0.5, name: "dropout")
        .linear(settings["classes"], name: "predictions")
    }
  }
}

extension Value {
  /// Batch norm with the settings of the author's program.
  fileprivate func norm(_ name: String) -> Value {
    batchNormalization(epsilon: 1e-3, momentum: 0.01, name: name)
  }

  /// A depthwise 3×3 and a pointwise convolution, without an activation between them.
  fileprivate func separable(_ channels: Int, name: String) -> Value {
    scope(name) { maps in
      maps
        .convolution(
          maps.shape.channels, kernel: 3, padding: 1, groups: maps.shape.channels, bias: false,
          name: "depthwise"
        )
        .convolution(channels, kernel: 1, bias: false, name: "pointwise")
        .norm("norm")
    }
  }

  /// Two separable convolutions and a pool, added to a strided pointwise convolution of the input.
  fileprivate func reducing(
    _ channels: [Int], startsWithReLU: Bool = true, name: String
  ) -> Value {
    scope(name) { maps in
      let first = startsWithReLU ? maps.relu() : maps
      let branch =
        first
        .separable(channels[0], name: "sepconv1").relu()
        .separable(channels[1], name: "sepconv2")
        .maxPooling(3, stride: 2, padding: .same, name: "pool")
      let shortcut =
        maps
        .convolution(
          channels[1], kernel: 1, stride: 2, padding: .same, bias: false, name: "shortcut"
        )
        .norm("shortcut.norm")
      return branch + shortcut
    }
  }
}
