public import ConvoyTensors

// MARK: - Resize

/// Images resized by the nearest pixel, or by linear interpolation between neighbours.
///
/// Input: an image [B, C, …]. Output: [B, C, …] with other spatial extents. The coordinates are
/// those of ONNX's operator of the same name; outside the image, border pixels are repeated.
/// Where ONNX leaves open what rounding does, ONNX Runtime is followed: coordinates are 32-bit
/// floats, a coordinate within 10⁻⁶ of half way between pixels is half way, and an image that keeps
/// its extents is not changed, whatever the scales.
public struct Resize: Operator {
  /// How a pixel between others is interpolated.
  public enum Interpolation: Hashable, Sendable, Codable {
    /// The nearest one.
    case nearest(Rounding)
    /// The mean of its neighbours in each dimension, weighted by their distance.
    case linear
  }

  /// How a coordinate is rounded to that of a pixel.
  public enum Rounding: String, Hashable, Sendable, Codable, CaseIterable {
    /// To the nearest; half way, down.
    case halfDown
    /// To the nearest; half way, up.
    case halfUp
    /// Down.
    case down
    /// Up.
    case up
  }

  /// The coordinate in the image of an output pixel x, with s the scale of output over input.
  public enum Coordinates: String, Hashable, Sendable, Codable, CaseIterable {
    /// (x + ½) ∕ s − ½: pixels are areas.
    case halfPixel
    /// The same, but 0 where there is only one output pixel.
    case pyTorchHalfPixel
    /// x·(input − 1) ∕ (output − 1): the centres of corner pixels are aligned.
    case alignCorners
    /// x ∕ s
    case asymmetric
    /// (x + ½) ∕ s − ½ + (input − output ∕ s) ∕ 2: pixels are areas, and the centres of both images
    /// are aligned, which matters where the output's extent was rounded.
    case halfPixelSymmetric
    /// (x + ½) ∕ s
    case pixelCenter

    /// The coordinate of an output position, in 32-bit floats.
    func coordinate(_ x: Float, from: Int, to: Int, scale: Float) -> Float {
      switch self {
      case .halfPixel: return (x + 0.5) / scale - 0.5
      case .pyTorchHalfPixel: return to > 1 ? (x + 0.5) / scale - 0.5 : 0
      case .alignCorners: return to > 1 ? x * Float(from - 1) / Float(to - 1) : 0
      case .asymmetric: return x / scale
      case .halfPixelSymmetric:
        let adjustment = Float(to) / (scale * Float(from))
        return Float(from) / 2 * (1 - adjustment) + (x + 0.5) / scale - 0.5
      case .pixelCenter: return (x + 0.5) / scale
      }
    }
  }

  /// The size of the output.
  public enum Size: Hashable, Sendable, Codable {
    /// Its spatial extents.
    case extents([Int])
    /// Multiples of the input's spatial extents: 32-bit products, rounded down.
    case scales([Float])
  }

  /// See `Operator.name`.
  public static let name = "resize"
  /// How a pixel between others is interpolated.
  public var interpolation: Interpolation
  /// The coordinates of output pixels in the image.
  public var coordinates: Coordinates
  /// The size of the output.
  public var size: Size

  /// Describes a resizing.
  public init(_ interpolation: Interpolation, coordinates: Coordinates, _ size: Size) {
    self.interpolation = interpolation
    self.coordinates = coordinates
    self.size = size
  }

  /// The input's batch and channels, and the new extents.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    let image = inputs[0]
    guard (3...5).contains(image.rank) else {
      throw ConvoyError(
        .shape,
        "expected an image of shape batch×channels×extents, with at most 3 extents, got \(image)")
    }
    let spatial = image.dimensions.dropFirst(2)
    switch size {
    case .extents(let extents):
      guard extents.count == spatial.count else {
        throw ConvoyError(
          .attribute, "expected \(spatial.count) extents to resize to, got \(extents)")
      }
      return [try Shape(validating: image.dimensions.prefix(2) + extents)]
    case .scales(let scales):
      guard scales.count == spatial.count, scales.allSatisfy({ $0 > 0 && $0 <= 4096 }) else {
        throw ConvoyError(
          .attribute,
          "expected \(spatial.count) scales above 0 and at most 4096, got \(scales)")
      }
      // 7 for 0.7 times 10, where the exact product with the float 0.7 is below 7.
      let extents = zip(spatial, scales).map { Int(Float($0) * $1) }
      return [try Shape(validating: image.dimensions.prefix(2) + extents)]
    }
  }

  /// A separate operator.
  public func gradients(at site: GradientSite) -> [Value?] {
    let extents = Array(site.inputs[0].shape.dimensions.dropFirst(2))
    return [
      site.outputGradient.applying(ResizeGradient(resize: self, inputExtents: extents))
    ]
  }

  /// One loop over the outputs and the pixels that they are interpolated from.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let image = inputs[0]
    let axes = axes(from: image.shape, to: outputs[0])
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      for (source, weight) in Resize.sources(of: position, axes) {
        result[position] += weight * image[source]
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each channel separately, between neighbouring pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing(2..<inputs[0].rank, .computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `resize`.
  public var glyph: Glyph { Glyph("resize", .arrangement) }
}

// MARK: - ResizeGradient

/// The gradient of `Resize`: its adjoint.
///
/// Input: the gradient of the resized image. Output: the gradient of the image; each pixel is the
/// weighted sum of the gradients that it contributed to.
public struct ResizeGradient: Operator {
  /// See `Operator.name`.
  public static let name = "resizeGradient"
  /// The resizing.
  public var resize: Resize
  /// The spatial extents of the image before it was resized.
  public var inputExtents: [Int]

  /// Describes the gradient of a resizing.
  public init(resize: Resize, inputExtents: [Int]) {
    self.resize = resize
    self.inputExtents = inputExtents
  }

  /// The image's shape before it was resized.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    let image = try Shape(validating: inputs[0].dimensions.prefix(2) + inputExtents)
    let resized = try resize.outputShapes(for: [image])[0]
    guard resized == inputs[0] else {
      throw ConvoyError(.shape, "expected a gradient of shape \(resized), got \(inputs[0])")
    }
    return [image]
  }

  /// The resizing.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.applying(resize)]
  }

  /// One loop over the inputs and the pixels that they were interpolated from.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let gradient = inputs[0]
    let axes = resize.axes(from: outputs[0], to: gradient.shape)
    var result = ReferenceTensor(outputs[0])
    for position in gradient.shape.indices {
      for (source, weight) in Resize.sources(of: position, axes) {
        result[source] += weight * gradient[position]
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each channel separately, between neighbouring pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing(2..<inputs[0].rank, .computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `∂ resize`.
  public var glyph: Glyph { Glyph("∂ resize", .arrangement) }
}

// MARK: - Coordinates

extension Resize {
  /// How an output position is interpolated along one dimension: (1 − weight) times one position
  /// plus weight times another.
  public struct Tap: Hashable, Sendable {
    /// The first position.
    public var low: Int
    /// The second position; may be equal to the first.
    public var high: Int
    /// The weight of the second position.
    public var weight: Double
  }

  /// For each spatial dimension, how each output position is interpolated.
  ///
  /// - Precondition: the shapes are those of the shape rule.
  public func axes(from input: Shape, to output: Shape) -> [[Tap]] {
    (2..<input.rank).map { d in
      let (from, to) = (input[d], output[d])
      guard input != output else {
        return (0..<to).map { Tap(low: $0, high: $0, weight: 0) }
      }
      var scale = Float(to) / Float(from)
      if case .scales(let scales) = size { scale = scales[d - 2] }
      return (0..<to).map {
        let x = coordinates.coordinate(Float($0), from: from, to: to, scale: scale)
        return tap(at: x, below: from)
      }
    }
  }

  private func tap(at coordinate: Float, below extent: Int) -> Tap {
    let largest = Float(extent - 1)
    switch interpolation {
    case .linear:
      let limited = min(max(coordinate, 0), largest)
      let low = Int(limited)
      return Tap(
        low: low, high: min(low + 1, extent - 1), weight: Double(limited) - Double(low))
    case .nearest(let rounding):
      let position = Int(min(max(rounding.rounded(coordinate), 0), largest))
      return Tap(low: position, high: position, weight: 0)
    }
  }

  /// The positions that an output position is interpolated from, with their weights.
  fileprivate static func sources(
    of position: [Int], _ axes: [[Tap]]
  ) -> [(position: [Int], weight: Double)] {
    var sources = [(position: Array(position.prefix(2)), weight: 1.0)]
    for (axis, index) in zip(axes, position.dropFirst(2)) {
      let tap = axis[index]
      var next: [(position: [Int], weight: Double)] = []
      for (start, weight) in sources {
        next.append((start + [tap.low], weight * (1 - tap.weight)))
        next.append((start + [tap.high], weight * tap.weight))
      }
      sources = next.filter { $0.weight != 0 }
    }
    return sources
  }
}

extension Resize.Rounding {
  /// The integer that a coordinate is rounded to.
  func rounded(_ coordinate: Float) -> Float {
    let below = coordinate.rounded(.down)
    let fraction = coordinate - below
    let isHalf = abs(fraction - 0.5) < 1e-6
    return switch self {
    case .halfDown: isHalf || fraction < 0.5 ? below : below + 1
    case .halfUp: isHalf || fraction > 0.5 ? below + 1 : below
    case .down: below
    case .up: coordinate.rounded(.up)
    }
  }
}

// MARK: - Building

extension Value {
  /// An image resized to other spatial extents.
  public func resized(
    to extents: [Int], _ interpolation: Resize.Interpolation = .linear,
    coordinates: Resize.Coordinates = .halfPixel, name: String? = nil
  ) -> Value {
    applying(
      Resize(interpolation, coordinates: coordinates, .extents(extents)), name: name)
  }

  /// An image enlarged by a whole factor, with each pixel repeated.
  public func upsampled(by factor: Int, name: String? = nil) -> Value {
    let scales = Array(repeating: Float(factor), count: max(shape.rank - 2, 0))
    return applying(
      Resize(.nearest(.down), coordinates: .asymmetric, .scales(scales)), name: name)
  }
}
