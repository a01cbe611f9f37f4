import ConvoyTensors

/// Which scale, and which zero point, belongs to an element of a quantised tensor.
public enum QuantizationScheme: Hashable, Sendable, Codable {
  /// One for the whole tensor.
  case tensor
  /// One for each position along a dimension.
  case axis(Int)
  /// One for each block of neighbouring elements along a dimension: the scales have the tensor's
  /// shape with ⌈extent ∕ size⌉ in place of that dimension's extent.
  case blocks(axis: Int, size: Int)

  /// Elements that follow one another, with scales that do too, or one scale.
  struct Run {
    let elements: Range<Int>
    /// The index of the first element's scale.
    let scale: Int
    /// 0 where all elements have that scale, 1 where each has the next.
    let step: Int
  }

  /// Checks the shape of the scales or zero points of a tensor.
  ///
  /// - Throws: `ConvoyError` when the scheme does not fit the tensor, or the shape does not fit the
  ///   scheme.
  func validate(_ what: String, _ scales: Shape, of shape: Shape) throws(ConvoyError) {
    let fits: Bool
    let expected: Shape
    switch self {
    case .tensor: (expected, fits) = ([], scales.elementCount == 1)
    case .axis(let axis), .blocks(let axis, _):
      guard shape.dimensions.indices.contains(axis) else {
        throw ConvoyError(.attribute, "expected a dimension of \(shape), got \(axis)")
      }
      if case .blocks(_, let size) = self {
        guard size >= 1 else {
          throw ConvoyError(.attribute, "expected blocks of at least 1 element, got \(size)")
        }
        var extents = shape.dimensions
        extents[axis] = (extents[axis] - 1) / size + 1
        expected = Shape(extents)
      } else {
        expected = [shape[axis]]
      }
      fits = scales == expected
    }
    guard fits else {
      throw ConvoyError(.shape, "expected \(what) of shape \(expected), got \(scales)")
    }
  }

  /// The elements of a tensor in row-major order, cut where scales change.
  func runs(of shape: Shape) -> [Run] {
    switch self {
    case .tensor: return [Run(elements: 0..<shape.elementCount, scale: 0, step: 0)]
    case .axis(let axis):
      let inner = shape.dimensions.dropFirst(axis + 1).reduce(1, *)
      return (0..<shape.elementCount / inner).map {
        Run(elements: $0 * inner..<($0 + 1) * inner, scale: $0 % shape[axis], step: 0)
      }
    case .blocks(let axis, let size):
      let inner = shape.dimensions.dropFirst(axis + 1).reduce(1, *)
      let blocks = (shape[axis] - 1) / size + 1
      return (0..<shape.elementCount / inner).map {
        let (outer, position) = $0.quotientAndRemainder(dividingBy: shape[axis])
        return Run(
          elements: $0 * inner..<($0 + 1) * inner,
          scale: (outer * blocks + position / size) * inner, step: 1)
      }
    }
  }
}
