public import ConvoyGraphs
public import ConvoyTensors

/// A convolution layer of images as a line of text: `C=128 N=128 K=3 groups=32 size=56x56`.
public struct LayerDescription: Hashable, Sendable {
  /// The channels of the image, `C`.
  public var inputChannels: Int
  /// The filters, `N`.
  public var outputChannels: Int
  /// The kernel's height and width, `K`.
  public var kernel: [Int]
  /// The image's height and width, `size`.
  public var size: [Int]
  /// The stride of the window.
  public var stride: [Int]
  /// The zeros on either side.
  public var padding: [Int]
  /// The dilation: the distance between neighbouring elements of the kernel.
  public var dilation: [Int]
  /// The number of groups that the channels are divided into.
  public var groups: Int
  /// The number of images.
  public var batch: Int
  /// Whether it is a transposed convolution, which distributes each input over the output.
  public var isTransposed: Bool

  /// The keys of all attributes, in the order in which they are written.
  public static let keys = [
    "C", "N", "K", "groups", "size", "stride", "padding", "dilation", "batch", "transposed",
  ]

  /// Reads `key=value` pairs with spaces between.
  ///
  /// `C`, `N`, `K` and `size` are needed. `K`, `size`, `stride`, `padding` and `dilation` are one number
  /// or height × width, as in `3x5`. The padding is `dilation·(K − 1)∕2`, rounded down, unless it is
  /// given: an odd kernel of stride 1 keeps the image's extents.
  ///
  /// - Throws: `ConvoyError` of kind `.argument` that names what was expected and what was got.
  public init(parsing text: String) throws(ConvoyError) {
    let fields = try LayerDescription.fields(text)
    inputChannels = try fields.number("C", in: 1...Fields.largest)
    outputChannels = try fields.number("N", in: 1...Fields.largest)
    kernel = try fields.pair("K", in: 1...1024)
    size = try fields.pair("size", in: 1...Fields.largest)
    stride = try fields.pair("stride", in: 1...1024, default: [1, 1])
    let dilation = try fields.pair("dilation", in: 1...1024, default: [1, 1])
    self.dilation = dilation
    let same = zip(kernel, dilation).map { ($0 - 1) * $1 / 2 }
    padding = try fields.pair("padding", in: 0...Fields.largest, default: same)
    groups = try fields.number("groups", in: 1...Fields.largest, default: 1)
    batch = try fields.number("batch", in: 1...4096, default: 1)
    isTransposed = try fields.answer("transposed")
    guard inputChannels % groups == 0, outputChannels % groups == 0 else {
      throw ConvoyError(
        .argument,
        "‘groups’ should divide both C=\(inputChannels) and N=\(outputChannels), got \(groups).")
    }
    try requireSizes()
  }

  /// The layer with all attributes, as text.
  public var text: String {
    func pair(_ numbers: [Int]) -> String { numbers.map { String($0) }.joined(separator: "x") }
    let parts = [
      "C=\(inputChannels)", "N=\(outputChannels)", "K=\(pair(kernel))", "groups=\(groups)",
      "size=\(pair(size))", "stride=\(pair(stride))", "padding=\(pair(padding))",
      "dilation=\(pair(dilation))", "batch=\(batch)",
    ]
    return (parts + (isTransposed ? ["transposed=yes"] : [])).joined(separator: " ")
  }

  /// The layer's name in its network.
  static let node = "layer"

  /// The layer alone, as a network without a bias.
  ///
  /// - Throws: `ConvoyError` when the numbers make no convolution.
  public func network() throws(ConvoyError) -> Network {
    let padding = Padding.explicit(before: padding, after: padding)
    return try Network(input: try Shape(validating: [inputChannels] + size)) { image in
      if isTransposed {
        image.transposedConvolution(
          outputChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
          groups: groups, bias: false, name: LayerDescription.node)
      } else {
        image.convolution(
          outputChannels, kernel: kernel, stride: stride, padding: padding, dilation: dilation,
          groups: groups, bias: false, name: LayerDescription.node)
      }
    }
  }

  /// Refuses layers that no machine could run, before any work proportional to their size.
  private func requireSizes() throws(ConvoyError) {
    let span = zip(kernel, dilation).map { ($0 - 1) * $1 + 1 }
    let padded = zip(size, padding).map { $0 + 2 * $1 }
    let output = size.indices.map { d in
      isTransposed
        ? (size[d] - 1) * stride[d] + span[d] - 2 * padding[d]
        : (padded[d] - span[d]) / stride[d] + 1
    }
    guard
      isTransposed ? output.allSatisfy({ $0 > 0 }) : span[0] <= padded[0] && span[1] <= padded[1]
    else {
      throw ConvoyError(
        .argument,
        isTransposed
          ? "The padding should leave something of the output, got one of \(product(output))."
          : "The kernel should fit into the padded image of \(product(padded)), got one that spans "
            + "\(product(span)).")
    }
    // Kernels store an entry for each product of an output's sum; tensors are not allocated.
    for (what, numbers, limit) in [
      ("image", [batch, inputChannels] + size, 1 << 30),
      ("output", [batch, outputChannels] + output, 1 << 30),
      ("filter", [inputChannels / groups] + kernel, 1 << 24),
      ("filters together", [outputChannels, inputChannels / groups] + kernel, 1 << 30),
    ] {
      // Each factor is at most 2³¹ and the count so far at most 2³⁰: the product does not overflow.
      var count = 1
      for number in numbers where count <= limit { count *= number }
      guard count <= limit else {
        throw ConvoyError(
          .argument,
          "The \(what) should have at most \(limit) elements, got \(product(numbers)).")
      }
    }
  }

  /// `3×5`.
  private func product(_ numbers: [Int]) -> String {
    numbers.map { String($0) }.joined(separator: "×")
  }
}

// MARK: - Reading

extension LayerDescription {
  private static func fields(_ text: String) throws(ConvoyError) -> Fields {
    var values: [String: String] = [:]
    for word in text.split(whereSeparator: \.isWhitespace) {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else {
        throw ConvoyError(
          .argument, "A layer is written like ‘\(Fields.example)’, got ‘\(word)’ in ‘\(text)’.")
      }
      let key = String(parts[0])
      guard keys.contains(key) else {
        throw ConvoyError(
          .argument, "A layer's attributes are \(keys.joined(separator: ", ")), got ‘\(key)’.")
      }
      guard values.updateValue(String(parts[1]), forKey: key) == nil else {
        throw ConvoyError(.argument, "‘\(key)’ comes twice in ‘\(text)’.")
      }
    }
    return Fields(values: values)
  }

  /// The values that the text has, by key.
  private struct Fields {
    var values: [String: String]

    static let example = "C=128 N=128 K=3 groups=32 size=56x56"
    static let largest = 1 << 20

    func number(
      _ key: String, in range: ClosedRange<Int>, default value: Int? = nil
    ) throws(ConvoyError) -> Int {
      guard let text = values[key] else { return try given(value, key) }
      guard let number = Int(text), range.contains(number) else {
        throw malformed(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return number
    }

    /// Height and width: `3` or `3x5`.
    func pair(
      _ key: String, in range: ClosedRange<Int>, default value: [Int]? = nil
    ) throws(ConvoyError) -> [Int] {
      guard let text = values[key] else { return try given(value, key) }
      let parts = text.split(separator: "x", omittingEmptySubsequences: false)
      let numbers = parts.compactMap { Int($0) }.filter { range.contains($0) }
      guard (1...2).contains(parts.count), numbers.count == parts.count else {
        throw malformed(
          key,
          "a whole number from \(range.lowerBound) to \(range.upperBound), or height and width as in "
            + "3x5")
      }
      return numbers.count == 1 ? numbers + numbers : numbers
    }

    func answer(_ key: String) throws(ConvoyError) -> Bool {
      switch values[key] {
      case nil, "no": false
      case "yes": true
      default: throw malformed(key, "yes or no")
      }
    }

    private func given<T>(_ value: T?, _ key: String) throws(ConvoyError) -> T {
      guard let value else {
        throw ConvoyError(
          .argument, "A layer needs C, N, K and size, as in ‘\(Fields.example)’; \(key) is missing."
        )
      }
      return value
    }

    private func malformed(_ key: String, _ expected: String) -> ConvoyError {
      ConvoyError(.argument, "‘\(key)’ should be \(expected), got ‘\(values[key] ?? "")’.")
    }
  }
}
