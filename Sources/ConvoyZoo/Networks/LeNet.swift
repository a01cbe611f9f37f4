import ConvoyGraphs
import ConvoyTensors

extension ZooEntry {
  /// LeNet-5 with three common simplifications: every filter of the second convolution reads all
  /// maps, subsampling has no coefficients, and the scores are a linear layer.
  ///
  /// The paper centres 28×28 digits in 32×32 images; here the first convolution has padding
  /// instead.
  static let leNet = ZooEntry(
    "lenet",
    summary: "LeNet-5, the network that read digits on cheques",
    source: """
      LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", \
      1998
      """,
    attributes: [.classes(default: 10), .size(12...512, default: 28), .channels(default: 1)]
  ) { (settings) throws(ConvoyError) in
    let size = settings["size"]
    return try Network(input: [settings["channels"], size, size]) { image in
      image
        .convolution(6, kernel: 5, padding: 2, initializer: .glorot, name: "c1").tanh()
        .averagePooling(2, name: "s2")
        .convolution(16, kernel: 5, initializer: .glorot, name: "c3").tanh()
        .averagePooling(2, name: "s4")
        .flattened()
        .linear(120, initializer: .glorot, name: "c5").tanh()
        .linear(84, initializer: .glorot, name: "f6").tanh()
        .linear(settings["classes"], initializer: .glorot, name: "output")
    }
  }
}
