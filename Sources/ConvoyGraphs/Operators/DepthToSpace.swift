public import ConvoyTensors

// MARK: Blocks

/// How the channels of one image are the blocks of pixels of another, with fewer channels.
///
/// The pixel (i, j) of a block of channel c is the channel (i·b + j)·C + c or, with `channelsFirst`,
/// (c·b + i)·b + j, where b is the block's extent and C the number of channels of the larger image.
public struct PixelBlocks: Hashable, Sendable, Codable {
  /// Rows and columns of a block.
  public var extent: Int
  /// Whether the pixels of one channel's block are neighbouring channels, as in PyTorch's pixel
  /// shuffle (`CRD` of ONNX); otherwise the channels of one pixel are (`DCR`).
  public var channelsFirst: Bool

  /// Describes blocks.
  public init(extent: Int, channelsFirst: Bool) {
    self.extent = extent
    self.channelsFirst = channelsFirst
  }

  /// The number of pixels of a block.
  public var area: Int { extent * extent }

  /// The channel that holds a pixel of the blocks of one of `count` channels.
  ///
  /// - Parameter pixel: row · b + column.
  public func channel(_ channel: Int, pixel: Int, of count: Int) -> Int {
    channelsFirst ? channel * area + pixel : pixel * count + channel
  }

  fileprivate func validate(_ image: Shape) throws(ConvoyError) {
    guard image.rank == 4 else {
      throw ConvoyError(
        .shape, "expected an image of shape batch×channels×height×width, got \(image)")
    }
    guard (1...4096).contains(extent) else {
      throw ConvoyError(.attribute, "expected a block of 1 to 4096 pixels a side, got \(extent)")
    }
  }

  /// The position in the image with more channels, of a position in the one with more pixels.
  fileprivate func place(of position: [Int], channels: Int) -> [Int] {
    let pixel = position[2] % extent * extent + position[3] % extent
    return [
      position[0], channel(position[1], pixel: pixel, of: channels), position[2] / extent,
      position[3] / extent,
    ]
  }

  fileprivate var traits: OperatorTraits {
    extent == 1
      ? .elementwise(.nothing) : .mixing(1...3, .moves, hasBoundedReference: true)
  }

  fileprivate func glyph(_ words: String) -> Glyph {
    Glyph("\(words) \(extent)×\(extent)", .arrangement, word: words)
  }
}

// MARK: - DepthToSpace

/// Makes blocks of pixels of channels: pixel shuffle.
///
/// Input: an image [B, C·b², H, W]. Output: [B, C, H·b, W·b].
/// Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
/// Convolutional Neural Network", 2016.
public struct DepthToSpace: Operator {
  /// See `Operator.name`.
  public static let name = "depthToSpace"
  /// Which channels are which pixels.
  public var blocks: PixelBlocks

  /// Describes the blocks.
  public init(_ blocks: PixelBlocks) { self.blocks = blocks }

  /// Fewer channels, more pixels.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    let image = inputs[0]
    try blocks.validate(image)
    guard image[1] % blocks.area == 0 else {
      throw ConvoyError(
        .shape, "expected a multiple of \(blocks.area) channels, got \(image[1])")
    }
    return [
      try Shape(validating: [
        image[0], image[1] / blocks.area, image[2] * blocks.extent, image[3] * blocks.extent,
      ])
    ]
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  /// The inverse.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.applying(SpaceToDepth(blocks))]
  }

  /// One loop over the outputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let elements = outputs[0].indices.map {
      inputs[0][blocks.place(of: $0, channels: outputs[0][1])]
    }
    return [ReferenceTensor(outputs[0], elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Channels become pixels; blocks of one pixel change nothing.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits { blocks.traits }

  // MARK: Glyph

  /// `depth to space 2×2`.
  public var glyph: Glyph { blocks.glyph("depth to space") }
}

// MARK: - SpaceToDepth

/// Makes channels of blocks of pixels: the inverse of `DepthToSpace`.
///
/// Input: an image [B, C, H·b, W·b]. Output: [B, C·b², H, W].
public struct SpaceToDepth: Operator {
  /// See `Operator.name`.
  public static let name = "spaceToDepth"
  /// Which channels are which pixels.
  public var blocks: PixelBlocks

  /// Describes the blocks.
  public init(_ blocks: PixelBlocks) { self.blocks = blocks }

  /// More channels, fewer pixels.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    let image = inputs[0]
    try blocks.validate(image)
    guard image[2] % blocks.extent == 0, image[3] % blocks.extent == 0 else {
      throw ConvoyError(
        .shape,
        "expected multiples of \(blocks.extent) rows and columns, got \(image[2])×\(image[3])")
    }
    return [
      try Shape(validating: [
        image[0], image[1] * blocks.area, image[2] / blocks.extent, image[3] / blocks.extent,
      ])
    ]
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  /// The inverse.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.applying(DepthToSpace(blocks))]
  }

  /// One loop over the inputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var result = ReferenceTensor(outputs[0])
    for position in inputs[0].shape.indices {
      let place = blocks.place(of: position, channels: inputs[0].shape[1])
      result[place] = inputs[0][position]
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Pixels become channels; blocks of one pixel change nothing.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits { blocks.traits }

  // MARK: Glyph

  /// `space to depth 2×2`.
  public var glyph: Glyph { blocks.glyph("space to depth") }
}

// MARK: - Building

extension Value {
  /// Makes b × b pixels of b² channels each: [B, C·b², H, W] as [B, C, H·b, W·b].
  public func depthToSpace(_ extent: Int, channelsFirst: Bool = true) -> Value {
    applying(DepthToSpace(PixelBlocks(extent: extent, channelsFirst: channelsFirst)))
  }

  /// Makes b² channels of b × b pixels each: [B, C, H·b, W·b] as [B, C·b², H, W].
  public func spaceToDepth(_ extent: Int, channelsFirst: Bool = true) -> Value {
    applying(SpaceToDepth(PixelBlocks(extent: extent, channelsFirst: channelsFirst)))
  }
}
