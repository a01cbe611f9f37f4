import ConvoyTensors

/// The parameters of a picture of a convolution as blocks in perspective: the input, the filters,
/// the output.
public struct VolumeParameters: Hashable, Sendable {
  /// Height and width of the input.
  public var input = [7, 7]
  /// Channels of the input.
  public var inputChannels = 3
  /// Channels of the output.
  public var outputChannels = 128
  /// Height and width of the kernel.
  public var kernel = [3, 3]
  /// The stride of the kernel.
  public var stride = 1
  /// Zeros on each side.
  public var padding = 0
  /// Groups of channels.
  public var groups = 1
  /// Whether extents are shown as letters, H×W×D, instead of numbers.
  public var isSymbolic = false

  /// A 3×3 convolution of a 7×7×3 input by 128 filters.
  public init() {}

  /// Height and width of the output.
  var output: [Int] {
    (0..<2).map { (input[$0] + 2 * padding - kernel[$0]) / stride + 1 }
  }

  func validate() throws(ConvoyError) {
    func require(
      _ name: String, _ value: Int, _ range: ClosedRange<Int>
    ) throws(ConvoyError) {
      guard range.contains(value) else {
        throw ConvoyError(
          .attribute,
          "Blocks can be drawn for \(name) from \(range.lowerBound) to \(range.upperBound), "
            + "got \(value).")
      }
    }
    guard input.count == 2, kernel.count == 2 else {
      throw ConvoyError(
        .attribute, "Blocks have two extents besides their channels, height and width.")
    }
    for d in 0..<2 {
      try require("an input", input[d], 1...4096)
      try require("a kernel", kernel[d], 1...64)
    }
    try require("input channels", inputChannels, 1...65536)
    try require("output channels", outputChannels, 1...65536)
    try require("a stride", stride, 1...64)
    try require("a padding", padding, 0...64)
    try require("a number of groups", groups, 1...65536)
    for (what, channels) in [("input", inputChannels), ("output", outputChannels)]
    where channels % groups != 0 {
      throw ConvoyError(
        .attribute,
        "A number of groups is expected that divides the \(channels) \(what) channels, "
          + "got \(groups).")
    }
    for d in 0..<2 where input[d] + 2 * padding < kernel[d] {
      throw ConvoyError(
        .attribute,
        "A kernel is expected that fits into the \(input[d]) + 2·\(padding) of the input, "
          + "got \(kernel[d]).")
    }
  }
}
