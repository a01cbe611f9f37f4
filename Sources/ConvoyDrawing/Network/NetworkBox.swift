import ConvoyGraphs

/// A box in the picture of a network: a node, and the nodes that are folded into it.
struct NetworkBox {
  /// The name in the model.
  var name: String
  /// The operation: `conv 3×3, 64`.
  var work: String
  /// The operations on its result, which are joined by plus signs.
  var tail: [String] = []
  /// Nil for inputs and outputs.
  var role: Glyph.Role?
  /// The extents of the result, without the batch.
  var shape: [Int]
  var cost: Cost
  /// The groups of a convolution that is not depthwise.
  var groups = 1
  /// The number of boxes side by side that it is drawn as.
  var towers = 1
  /// The number of ranks that compute a part of it each; 1 if it is not divided.
  var ranks = 1
  /// Whether each channel of its result depends on only one of its input.
  var keepsChannels: Bool
  /// Whether a following node may be folded into it: not if other nodes read its result.
  var takesTail = true
  /// Whether each of its outputs depends on all inputs.
  var mixesAll: Bool { !keepsChannels && groups == 1 }
}
