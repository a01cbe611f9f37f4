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

extension Picture {
  /// Draws one or several diagrams of connections on a page.
  public static func connections(
    _ diagrams: [ConnectionDiagram], title: String? = nil
  ) throws(ConvoyError) -> Picture {
    guard (1...40).contains(diagrams.count) else {
      throw ConvoyError(
        .attribute, "A page can hold 1 to 40 diagrams of connections, got \(diagrams.count).")
    }
    let drawings = diagrams.map(ConnectionDrawing.init)
    let boxes = drawings.map { Element.union(of: $0.elements) ?? Box(0, 0, 1, 1) }
    var elements: [Element] = []
    var (place, rowHeight) = (Point(0, 0), 0.0)
    for (drawing, box) in zip(drawings, boxes) {
      if place.x > 0, place.x + box.width > 1800 {
        place = Point(0, place.y + rowHeight + 44)
        rowHeight = 0
      }
      elements.append(.group(drawing.elements, at: place - Point(box.x, box.y)))
      place.x += box.width + 52
      rowHeight = max(rowHeight, box.height)
    }
    let title = title ?? diagrams[0].name
    if diagrams.count > 1 {
      elements.append(.text(title, Point(0, -58), size: 22, bold: true))
      elements.append(
        .text(
          "left: space, right: channels. The lines of both, multiplied, are the multiply-adds.",
          Point(0, -32), size: 13, .muted))
    }
    let names = diagrams.map { "\($0.name): \($0.summary)" }.joined(separator: "; ")
    return Picture(
      title: title,
      summary: "Lines show which outputs see which inputs, in space and among channels. \(names).",
      elements, margin: 28)
  }

  /// Every diagram on one page.
  public static func connectionSheet() throws(ConvoyError) -> Picture {
    try connections(
      ConnectionDiagram.primitives + ConnectionDiagram.blocks,
      title: "Convolutions as connections")
  }
}
