import ConvoyTensors

/// The parameters of a picture of convolution arithmetic.
public struct ArithmeticParameters: Hashable, Sendable {
  /// The operation.
  public enum Operation: String, Hashable, Sendable, CaseIterable {
    /// A convolution.
    case convolution
    /// A transposed convolution, drawn as a convolution of the dilated input with the flipped
    /// kernel.
    case transposed
    /// Max pooling.
    case maximum
    /// Average pooling.
    case average
  }

  /// The operation.
  public var operation = Operation.convolution
  /// Height and width of the input.
  public var input = [5, 5]
  /// Height and width of the kernel.
  public var kernel = [3, 3]
  /// The steps of the window, down and across.
  public var stride = [1, 1]
  /// Rows and columns of zeros on each side.
  public var padding = [0, 0]
  /// The distance between neighbouring elements of the kernel.
  public var dilation = [1, 1]
  /// Rows and columns that a transposed convolution adds to its smallest output.
  public var outputPadding = [0, 0]
  /// Channels of the input.
  public var inputChannels = 1
  /// Channels of the output; pooling ignores it.
  public var outputChannels = 1
  /// Groups of channels.
  public var groups = 1
  /// The seed of the random numbers.
  public var seed: UInt64 = 1

  /// A 3×3 convolution of a 5×5 input.
  public init() {}

  var isPooling: Bool { operation == .maximum || operation == .average }

  /// - Throws: `ConvoyError` if the picture's numbers would be too small to read.
  func validate() throws(ConvoyError) {
    let ranges: [(name: String, values: [Int], range: ClosedRange<Int>)] = [
      ("an input", input, 1...14), ("a kernel", kernel, 1...7), ("a stride", stride, 1...7),
      ("a padding", padding, 0...6), ("a dilation", dilation, 1...6),
      ("an output padding", outputPadding, 0...6),
    ]
    for (name, values, range) in ranges {
      guard values.count == 2, values.allSatisfy(range.contains) else {
        let got = values.map(String.init).joined(separator: "×")
        throw ConvoyError(
          .attribute,
          "The animation can show \(name) of \(range.lowerBound) to \(range.upperBound) in each of "
            + "two dimensions, got \(got).")
      }
    }
    let channels = [
      ("input", inputChannels), ("output", isPooling ? inputChannels : outputChannels),
    ]
    for (name, count) in channels where !(1...8).contains(count) {
      throw ConvoyError(
        .attribute, "The animation can show 1 to 8 \(name) channels, got \(count).")
    }
    guard groups >= 1 else {
      throw ConvoyError(.attribute, "A convolution has at least 1 group, got \(groups).")
    }
    if isPooling, groups != 1 {
      throw ConvoyError(
        .attribute, "Pooling works channel by channel and takes no groups, got \(groups).")
    }
    if operation != .transposed, outputPadding != [0, 0] {
      throw ConvoyError(
        .attribute, "Only a transposed convolution has an output padding, got \(outputPadding).")
    }
    if operation == .transposed {
      for d in 0..<2 where padding[d] > dilation[d] * (kernel[d] - 1) {
        throw ConvoyError(
          .attribute,
          "The animation can show a transposed convolution whose padding is at most "
            + "dilation·(kernel − 1) = \(dilation[d] * (kernel[d] - 1)), got \(padding[d]).")
      }
    }
  }
}
