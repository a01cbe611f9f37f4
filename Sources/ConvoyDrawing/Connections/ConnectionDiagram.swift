public import ConvoyTensors

/// A convolution, or a block of them, as lines between points: which outputs depend on which
/// inputs, in space on the left and among channels on the right.
///
/// The product of the numbers of lines on both sides is proportional to the multiply-adds. The form
/// follows Y. Uchida, "Why MobileNet and its variants (e.g. ShuffleNet) are fast", 2018.
public struct ConnectionDiagram: Hashable, Sendable {
  /// One layer of a block.
  public struct Layer: Hashable, Sendable {
    /// The operation of a layer.
    public enum Kind: Hashable, Sendable {
      /// A convolution with the extent of its kernel, its output channels and its groups.
      case convolution(kernel: Int, outputs: Int, groups: Int)
      /// A channel shuffle between groups.
      case shuffle(groups: Int)
    }

    /// The operation.
    public var kind: Kind

    /// Makes a layer.
    public init(_ kind: Kind) { self.kind = kind }
  }

  /// The name of the layer or block.
  public var name: String
  /// Channels of the input.
  public var channels: Int
  /// The layers, from the input to the output.
  public var layers: [Layer]
  /// Whether the input is added to the output.
  public var isResidual: Bool

  /// Describes a block.
  ///
  /// - Throws: `ConvoyError` when the layers do not fit together or are too many to draw.
  public init(
    _ name: String, channels: Int, isResidual: Bool = false, _ kinds: [Layer.Kind]
  ) throws(ConvoyError) {
    self.init(unchecked: name, channels, isResidual, kinds)
    guard (1...24).contains(channels), (1...8).contains(kinds.count) else {
      throw ConvoyError(
        .attribute,
        "Connections can be drawn of 1 to 24 channels and 1 to 8 layers, "
          + "got \(channels) and \(kinds.count).")
    }
    var count = channels
    for kind in kinds {
      switch kind {
      case .convolution(let kernel, let outputs, let groups):
        guard (1...24).contains(outputs), [1, 3, 5, 7].contains(kernel) else {
          throw ConvoyError(
            .attribute,
            "Connections can be drawn of kernels of 1, 3, 5 or 7 and of 1 to 24 channels, "
              + "got \(kernel) and \(outputs).")
        }
        try ConnectionDiagram.require(groups, divides: [count, outputs])
        count = outputs
      case .shuffle(let groups): try ConnectionDiagram.require(groups, divides: [count])
      }
    }
  }

  private init(unchecked name: String, _ channels: Int, _ isResidual: Bool, _ kinds: [Layer.Kind]) {
    self.name = name
    self.channels = channels
    self.isResidual = isResidual
    layers = kinds.map(Layer.init)
  }

  private static func require(_ groups: Int, divides counts: [Int]) throws(ConvoyError) {
    for count in counts where groups < 1 || count % groups != 0 {
      throw ConvoyError(
        .attribute,
        "A number of groups is expected that divides the \(count) channels drawn, got \(groups).")
    }
  }

  /// Single layers, the components of efficient networks.
  public static let primitives: [ConnectionDiagram] = [
    make("3×3 convolution", 6, [.convolution(kernel: 3, outputs: 6, groups: 1)]),
    make("1×1 convolution", 6, [.convolution(kernel: 1, outputs: 6, groups: 1)]),
    make("3×3 in 2 groups", 6, [.convolution(kernel: 3, outputs: 6, groups: 2)]),
    make("3×3 in 3 groups", 6, [.convolution(kernel: 3, outputs: 6, groups: 3)]),
    make("1×1 in 2 groups", 6, [.convolution(kernel: 1, outputs: 6, groups: 2)]),
    make("3×3 depthwise", 6, [.convolution(kernel: 3, outputs: 6, groups: 6)]),
    make("channel shuffle, 2 groups", 6, [.shuffle(groups: 2)]),
    make("channel shuffle, 3 groups", 6, [.shuffle(groups: 3)]),
  ]

  /// The blocks of well-known networks, with fewer channels in the original proportions.
  public static let blocks: [ConnectionDiagram] = [
    make(
      "ResNet basic block", 6, residual: true,
      [
        .convolution(kernel: 3, outputs: 6, groups: 1),
        .convolution(kernel: 3, outputs: 6, groups: 1),
      ]),
    make(
      "ResNet bottleneck", 12, residual: true,
      [
        .convolution(kernel: 1, outputs: 3, groups: 1),
        .convolution(kernel: 3, outputs: 3, groups: 1),
        .convolution(kernel: 1, outputs: 12, groups: 1),
      ]),
    make(
      "ResNeXt", 12, residual: true,
      [
        .convolution(kernel: 1, outputs: 6, groups: 1),
        .convolution(kernel: 3, outputs: 6, groups: 3),
        .convolution(kernel: 1, outputs: 12, groups: 1),
      ]),
    make(
      "MobileNet v1", 6,
      [
        .convolution(kernel: 3, outputs: 6, groups: 6),
        .convolution(kernel: 1, outputs: 6, groups: 1),
      ]),
    make(
      "MobileNet v2", 2, residual: true,
      [
        .convolution(kernel: 1, outputs: 12, groups: 1),
        .convolution(kernel: 3, outputs: 12, groups: 12),
        .convolution(kernel: 1, outputs: 2, groups: 1),
      ]),
    make(
      "ShuffleNet v1", 16, residual: true,
      [
        .convolution(kernel: 1, outputs: 4, groups: 2), .shuffle(groups: 2),
        .convolution(kernel: 3, outputs: 4, groups: 4),
        .convolution(kernel: 1, outputs: 16, groups: 2),
      ]),
  ]

  private static func make(
    _ name: String, _ channels: Int, residual: Bool = false, _ kinds: [Layer.Kind]
  ) -> ConnectionDiagram {
    ConnectionDiagram(unchecked: name, channels, residual, kinds)
  }
}
