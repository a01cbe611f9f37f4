public import ConvoyTensors

// MARK: Attributes

/// An image read at the places that a grid names.
///
/// Inputs: an image [B, C, …] of two or three spatial dimensions, and a grid [B, …, 2 or 3] of
/// places, the last dimension of the image first, from −1 to 1. Output: [B, C, …] with the extents
/// of the grid.
///
/// Source: ONNX, `GridSample`.
public struct GridSampling: TypedOperator {
  /// How a number between pixels is interpolated.
  public enum Filter: String, Hashable, Sendable, Codable, CaseIterable {
    /// The nearest pixel; half way, the even one.
    case nearest
    /// Linear between neighbours.
    case linear
    /// A cubic convolution with Keys' *a* = −¾.
    case cubic
  }

  /// What is read outside the image.
  public enum Border: String, Hashable, Sendable, Codable, CaseIterable {
    /// 0.
    case zeros
    /// The nearest pixel of the image.
    case border
    /// The image reflected at its border.
    case reflection
  }

  /// See `Operator.name`.
  public static let name = "gridSampling"
  /// How a number between pixels is interpolated.
  public var filter: Filter
  /// What is read outside the image.
  public var border: Border
  /// Whether −1 and 1 are the centres of the outermost pixels; else they are their outer edges.
  public var alignsCorners: Bool

  /// Describes a sampling.
  public init(_ filter: Filter, border: Border = .zeros, alignsCorners: Bool = false) {
    (self.filter, self.border, self.alignsCorners) = (filter, border, alignsCorners)
  }

  // MARK: Shape

  /// The image's batch and channels, and the grid's extents.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (image, grid) = (inputs[0], inputs[1])
    guard (4...5).contains(image.rank) else {
      throw ConvoyError(
        .shape, "expected an image of 2 or 3 spatial dimensions, got \(image)")
    }
    guard grid.rank == image.rank, grid[0] == image[0], grid[grid.rank - 1] == image.rank - 2
    else {
      throw ConvoyError(
        .shape,
        "expected a grid of \(image.rank) dimensions that begin with \(image[0]) and end with "
          + "\(image.rank - 2), got \(grid)")
    }
    return [try Shape(validating: image.dimensions.prefix(2) + grid.dimensions[1..<image.rank - 1])]
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  // MARK: Definition

  /// Loops over the places and the channels.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [
      outputs[0].type == .float64
        ? sampled(inputs, to: outputs[0].shape, as: Double.self)
        : sampled(inputs, to: outputs[0].shape, as: Float.self)
    ]
  }

  private func sampled<Real: BinaryFloatingPoint & TensorElement>(
    _ inputs: [Tensor], to shape: Shape, as type: Real.Type
  ) -> Tensor {
    let image = inputs[0].shape
    let (pixels, plane) = (inputs[0].known(as: type), image.pixels.elementCount)
    // Coordinates are 32-bit floats, whatever the reference's precision: the nearest pixel depends
    // on their rounding.
    let places = inputs[1].converted(to: .float32).known(as: Float.self)
    let (rank, strides) = (image.rank - 2, image.pixels.strides)
    let (points, channels) = (shape.pixels.elementCount, image[1])
    var result = [Real](repeating: 0, count: shape.elementCount)
    for point in 0..<image[0] * points {
      let (batch, position) = point.quotientAndRemainder(dividingBy: points)
      var taps = [(offset: 0, weight: 1.0)]
      for d in 0..<rank {
        // The grid's coordinates are in the order of the image's dimensions reversed.
        let along = self.taps(at: places[point * rank + rank - 1 - d], of: image[d + 2])
        taps = taps.flatMap { tap in
          along.map { (tap.offset + $0.position * strides[d], tap.weight * $0.weight) }
        }
      }
      let weighted = taps.map { ($0.offset, Real($0.weight)) }
      for channel in 0..<channels {
        let from = (batch * channels + channel) * plane
        var sum: Real = 0
        for (offset, weight) in weighted { sum += weight * pixels[from + offset] }
        result[(batch * channels + channel) * points + position] = sum
      }
    }
    return Tensor(known: shape, result)
  }

  /// The positions along one dimension that a coordinate of the grid is interpolated from; those
  /// outside are left out where they are 0, and nothing is read at what is not a number.
  private func taps(at place: Float, of extent: Int) -> [(position: Int, weight: Double)] {
    let bounds: (low: Float, high: Float) =
      alignsCorners ? (0, Float(extent - 1)) : (-0.5, Float(extent) - 0.5)
    var x =
      alignsCorners
      ? (place + 1) / 2 * Float(extent - 1) : ((place + 1) * Float(extent) - 1) / 2
    if filter == .nearest { x.round(.toNearestOrEven) }
    if x < bounds.low || x > bounds.high {
      switch border {
      case .zeros: break
      // As PyTorch and ONNX Runtime, a cubic filter beside the image keeps its place; what it reads
      // is on the border, which from a few pixels on is all the same.
      case .border:
        let margin: Float = filter == .cubic ? 8 : 0
        x = min(max(x, -margin), Float(extent - 1) + margin)
      case .reflection: x = GridSampling.reflected(x, bounds)
      }
    }
    guard x.magnitude < 0x1p30 else { return [] }
    let first = x.rounded(.down)
    let weights: [Double]
    switch filter {
    case .nearest: weights = [1]
    case .linear: weights = [1 - Double(x - first), Double(x - first)]
    case .cubic:
      let cubic = Resampling.Filter.cubic(-0.75)
      weights = (-1...2).map { cubic.weight(Double($0) - Double(x - first)) }
    }
    let start = Int(filter == .nearest ? x : first) - (filter == .cubic ? 1 : 0)
    return weights.enumerated().compactMap { index, weight in
      let position = start + index
      switch border {
      case .zeros: return 0..<extent ~= position ? (position, weight) : nil
      case .border: return (min(max(position, 0), extent - 1), weight)
      case .reflection:
        let inside = Int(GridSampling.reflected(Float(position), bounds))
        return (min(max(inside, 0), extent - 1), weight)
      }
    }
  }

  /// A coordinate reflected at two bounds until it lies between them.
  private static func reflected(_ x: Float, _ bounds: (low: Float, high: Float)) -> Float {
    let range = bounds.high - bounds.low
    guard x < bounds.low || x > bounds.high else { return x }
    guard range > 0, x.isFinite else { return bounds.low }
    let distance = x < bounds.low ? bounds.low - x : x - bounds.high
    let rest = distance.truncatingRemainder(dividingBy: range)
    let isOdd = (distance / range).rounded(.down).truncatingRemainder(dividingBy: 2) != 0
    return (x < bounds.low) != isOdd ? bounds.low + rest : bounds.high - rest
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Channel by channel, at places that all channels share.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `sample`.
  public var glyph: Glyph { Glyph("sample", .arrangement) }
}
