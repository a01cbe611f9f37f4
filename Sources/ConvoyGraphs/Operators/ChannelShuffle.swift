public import ConvoyTensors

// MARK: Attributes

/// Permutes channels, so that each group of the next grouped convolution has channels of every
/// group.
///
/// Input: an image [B, C, …]. Output: the same shape. The channels, seen as a table of G rows and
/// C∕G columns, are read column by column: output channel j·G + g is input channel g·(C∕G) + j.
/// Source: Zhang et al., "ShuffleNet", 2017.
public struct ChannelShuffle: Operator {
  /// See `Operator.name`.
  public static let name = "channelShuffle"
  /// The groups of channels that are mixed.
  public var groups: Int

  /// Describes a shuffle.
  public init(groups: Int) { self.groups = groups }

  // MARK: Shape

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    guard inputs[0].rank >= 2 else {
      throw ConvoyError(
        .shape, "expected an image of shape batch×channels×extents, got \(inputs[0])")
    }
    guard groups >= 1, inputs[0][1] % groups == 0 else {
      throw ConvoyError(
        .attribute,
        "expected a number of groups that divides the \(inputs[0][1]) channels, got \(groups)")
    }
    return inputs
  }

  /// The input channel of an output channel.
  public func source(ofChannel channel: Int, of channels: Int) -> Int {
    channel % groups * (channels / groups) + channel / groups
  }

  // MARK: Gradient

  /// The inverse shuffle: with C∕G groups.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.channelShuffle(groups: site.inputs[0].shape[1] / groups)]
  }

  // MARK: Reference

  /// One loop over the outputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let elements = outputs[0].indices.map { position in
      var taken = position
      taken[1] = source(ofChannel: position[1], of: outputs[0][1])
      return inputs[0][taken]
    }
    return [ReferenceTensor(outputs[0], elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Channels are permuted; 1 group, or as many as channels, is the identity.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    let isIdle = groups == 1 || groups == inputs[0][1]
    return .mixing([1], isIdle ? .nothing : .moves, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `shuffle 4`.
  public var glyph: Glyph { Glyph("shuffle \(groups)", .arrangement) }
}

// MARK: Building

extension Value {
  /// Permutes the channels of groups, so that each group of the next layer has channels of every
  /// group.
  public func channelShuffle(groups: Int) -> Value { applying(ChannelShuffle(groups: groups)) }
}
