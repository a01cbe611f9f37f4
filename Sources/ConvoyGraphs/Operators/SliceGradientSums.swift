public import ConvoyTensors

extension Graph {
  /// The graph with concatenations in place of sums of slices' gradients, where the slices cover a
  /// whole tensor.
  ///
  /// The gradient of a split tensor is a sum of tensors that are mostly zeros; a concatenation only
  /// describes where channels are.
  ///
  /// - Throws: errors of shape rules; none for a well-formed graph.
  public func joiningSliceGradients() throws(ConvoyError) -> Graph {
    var pieces: [ValueID: SliceGradientSum] = [:]
    for node in nodes {
      if let gradient = node.operation as? SliceGradient, gradient.slice.step == 1 {
        pieces[node.outputs[0]] = SliceGradientSum(gradient, of: node.inputs[0])
      } else if case .arithmetic(.add) = node.operation.kind,
        let first = pieces[node.inputs[0]], let second = pieces[node.inputs[1]]
      {
        pieces[node.outputs[0]] = first.joined(with: second)
      }
    }
    guard pieces.values.contains(where: \.isWhole) else { return self }
    var received: [ValueID: Value] = [:]
    return try rewritten { node, inputs, builder in
      if node.operation is SliceGradient { received[node.inputs[0]] = inputs[0] }
      guard let sum = pieces[node.outputs[0]], sum.isWhole else { return nil }
      let parts = sum.parts.compactMap { received[$0.gradient] }
      return builder.apply(
        Concatenation(dimension: sum.dimension), to: parts, name: node.name)
    }
  }
}

/// A sum of gradients of disjoint slices of one tensor.
private struct SliceGradientSum {
  let dimension: Int
  let extent: Int
  /// In the order of the slices.
  private(set) var parts: [(range: Range<Int>, gradient: ValueID)]

  init(_ gradient: SliceGradient, of value: ValueID) {
    dimension = gradient.slice.dimension
    extent = gradient.extent
    parts = [(gradient.slice.start..<gradient.slice.end, value)]
  }

  /// Whether two or more slices cover the tensor.
  var isWhole: Bool {
    parts.count > 1 && parts[0].range.lowerBound == 0
      && zip(parts, parts.dropFirst()).allSatisfy { $0.range.upperBound == $1.range.lowerBound }
      && parts[parts.count - 1].range.upperBound == extent
  }

  /// The sum with another; nil if they overlap, or have different dimensions.
  func joined(with other: SliceGradientSum) -> SliceGradientSum? {
    guard dimension == other.dimension, extent == other.extent else { return nil }
    var sum = self
    sum.parts = (parts + other.parts).sorted { $0.range.lowerBound < $1.range.lowerBound }
    let isDisjoint = zip(sum.parts, sum.parts.dropFirst()).allSatisfy {
      $0.range.upperBound <= $1.range.lowerBound
    }
    return isDisjoint ? sum : nil
  }
}
