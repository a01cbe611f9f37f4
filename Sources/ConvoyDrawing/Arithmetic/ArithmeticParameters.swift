import ConvoyTensors

/// What the animation of convolution arithmetic shows.
public struct ArithmeticParameters: Hashable, Sendable {
  /// The operation.
  public enum Operation: String, Hashable, Sendable, CaseIterable {
    /// A convolution.
    case convolution
    /// A transposed convolution, as the convolution of the spread-out input with the turned kernel.
    case transposed
    /// The largest of each window.
    case maximum
    /// The mean of each window.
    case average
  }

  /// The operation.
  public var operation = Operation.convolution
  /// Height and width of the input.
  public var input = [5, 5]
  /// Height and width of the kernel.
  public var kernel = [3, 3]
  /// How far the kernel moves, down and across.
  public var stride = [1, 1]
  /// Rows and columns of zeros on each side.
  public var padding = [0, 0]
  /// How far apart the kernel's elements lie.
  public var dilation = [1, 1]
  /// Of a transposed convolution: rows and columns beyond the smallest output.
  public var outputPadding = [0, 0]
  /// Channels of the input.
  public var inputChannels = 1
  /// Channels of the output; a pooling has as many as its input.
  public var outputChannels = 1
  /// Groups of channels.
  public var groups = 1
  /// What the numbers are drawn from.
  public var seed: UInt64 = 1

  /// A 3×3 convolution of a 5×5 input, to be changed.
  public init() {}

  var isPooling: Bool { operation == .maximum || operation == .average }

  /// Throws unless the picture can be drawn so that its numbers can be read.
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
