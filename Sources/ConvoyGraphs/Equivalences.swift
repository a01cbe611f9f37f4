public import ConvoyTensors

/// The weights of a dense convolution that is equivalent to a grouped one: block-diagonal, with
/// zeros outside the blocks.
///
/// - Parameters:
///   - grouped: weights [O, I∕G, k…].
///   - groups: G, which divides O.
/// - Returns: weights [O, I, k…].
/// - Throws: `ConvoyError` when the weights cannot be those of G groups.
/// - Complexity: O(*n*) in the number of dense weights.
public func blockDiagonalWeights(
  _ grouped: Tensor, groups: Int
) throws(ConvoyError) -> Tensor {
  let shape = grouped.shape
  try validateGroupedWeights(shape, groups)
  let (inputs, overflow) = shape[1].multipliedReportingOverflow(by: groups)
  guard !overflow else {
    throw ConvoyError(.shape, "Weights of shape \(shape) cannot be those of \(groups) groups.")
  }
  let dense = try Shape(validating: [shape[0], inputs] + shape.dimensions.dropFirst(2))
  let blocks = WeightBlocks(dense: dense, groups: groups)
  var elements = Array(repeating: Float(0), count: dense.elementCount)
  for output in 0..<shape[0] {
    let row = blocks.row(output)
    elements.replaceSubrange(
      row, with: grouped.elements[output * row.count..<(output + 1) * row.count])
  }
  return try Tensor(dense, elements)
}

/// The weights of a grouped convolution that is equivalent to a block-diagonal dense one.
///
/// - Parameters:
///   - dense: weights [O, I, k…].
///   - groups: G, which divides O and I.
///   - tolerance: the largest absolute value outside the blocks that counts as zero.
/// - Returns: weights [O, I∕G, k…].
/// - Throws: `ConvoyError` when a weight outside the blocks exceeds the tolerance, naming the
///   largest, or when the number of groups does not divide the channels.
/// - Complexity: O(*n*) in the number of dense weights.
public func groupedWeights(
  _ dense: Tensor, groups: Int, tolerance: Float = 0
) throws(ConvoyError) -> Tensor {
  let shape = dense.shape
  try validateGroupedWeights(shape, groups)
  guard shape[1] % groups == 0 else {
    throw ConvoyError(
      .attribute,
      "Expected a number of groups that divides the \(shape[1]) input channels of weights "
        + "\(shape), got \(groups).")
  }
  let blocks = WeightBlocks(dense: shape, groups: groups)
  let strongest = dense.elements.indices.lazy
    .filter { !blocks.row($0 / blocks.rowStride).contains($0) }
    .max { dense.elements[$0].rank < dense.elements[$1].rank }
  if let strongest, !(abs(dense.elements[strongest]) <= tolerance) {
    throw ConvoyError(
      .argument,
      "The weights \(shape) are not those of \(groups) groups: the largest outside the blocks, at "
        + "\(position(of: strongest, in: shape)), is \(dense.elements[strongest]), "
        + "above the tolerance of \(tolerance).")
  }
  let grouped = Shape([shape[0], shape[1] / groups] + shape.dimensions.dropFirst(2))
  return try Tensor(grouped, (0..<shape[0]).flatMap { dense.elements[blocks.row($0)] })
}

/// The positions of the blocks in dense weights: one run of elements for each output channel.
private struct WeightBlocks {
  let rowStride: Int
  let rowLength: Int
  let outputsPerGroup: Int

  init(dense: Shape, groups: Int) {
    rowStride = dense.elementCount / dense[0]
    rowLength = rowStride / groups
    outputsPerGroup = dense[0] / groups
  }

  /// The elements of an output channel in its group's block.
  func row(_ output: Int) -> Range<Int> {
    let start = output * rowStride + output / outputsPerGroup * rowLength
    return start..<start + rowLength
  }
}

extension Float {
  /// The absolute value, or ∞ for NaN, which is not zero either.
  fileprivate var rank: Float { isNaN ? .infinity : magnitude }
}

private func validateGroupedWeights(_ shape: Shape, _ groups: Int) throws(ConvoyError) {
  guard shape.rank >= 2 else {
    throw ConvoyError(
      .shape, "Expected weights of shape outputs×inputs×kernel, got \(shape).")
  }
  guard groups >= 1, shape[0] % groups == 0 else {
    throw ConvoyError(
      .attribute,
      "Expected a number of groups that divides the \(shape[0]) output channels of weights "
        + "\(shape), got \(groups).")
  }
}

/// The index in each dimension of an element with a given row-major index.
private func position(of element: Int, in shape: Shape) -> [Int] {
  zip(shape.strides, shape.dimensions).map { element / $0 % $1 }
}
