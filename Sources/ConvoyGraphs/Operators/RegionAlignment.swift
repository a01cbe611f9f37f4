public import ConvoyTensors

// MARK: Attributes

/// Each of some regions of images as a map of a fixed size: bilinear samples of its cells, their
/// mean or maximum.
///
/// Inputs: images [B, C, H, W]; regions [R, 4], each x and y of one corner and of the other; and the
/// index of each region's image [R], an int64. Output: [R, C, height, width]. A region of an image
/// that there is not is 0.
///
/// Source: He et al., "Mask R-CNN", 2017; ONNX, `RoiAlign`.
public struct RegionAlignment: TypedOperator {
  /// How the samples of a cell become one number.
  public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
    /// Their mean.
    case mean
    /// The largest product of a pixel with its weight in a sample.
    case maximum
  }

  /// See `Operator.name`.
  public static let name = "regionAlignment"
  /// How the samples of a cell become one number.
  public var function: Function
  /// The output's height.
  public var height: Int
  /// The output's width.
  public var width: Int
  /// The number of samples of a cell along each dimension; 0 for as many as it has pixels.
  public var samples: Int
  /// What regions' coordinates are multiplied by.
  public var scale: Float
  /// Whether pixels are areas, so that coordinates are half a pixel less; else regions have at least
  /// one pixel along each dimension.
  public var usesHalfPixels: Bool

  /// Describes an alignment of regions.
  public init(
    _ function: Function, height: Int, width: Int, samples: Int = 0, scale: Float = 1,
    usesHalfPixels: Bool = true
  ) {
    (self.function, self.height, self.width) = (function, height, width)
    (self.samples, self.scale, self.usesHalfPixels) = (samples, scale, usesHalfPixels)
  }

  // MARK: Shape and type

  /// Regions, channels, height and width.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 3...3)
    guard inputs[0].rank == 4, inputs[1].rank == 2, inputs[1][1] == 4, inputs[2] == [inputs[1][0]]
    else {
      throw ConvoyError(
        .shape,
        "expected images B×C×H×W, regions R×4 and indices R, got \(inputs[0]), \(inputs[1]) and "
          + "\(inputs[2])")
    }
    guard (0...1024).contains(samples) else {
      throw ConvoyError(.attribute, "expected 0 to 1024 samples, got \(samples)")
    }
    return [try Shape(validating: [inputs[1][0], inputs[0][1], height, width])]
  }

  /// Floats, and int64 indices.
  public var types: TypeRule { TypeRule([[.float32], [.float32], [.int64]], outputs: [.float32]) }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil, nil] }

  // MARK: Definition

  /// Loops over regions, cells, samples and channels.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [
      outputs[0].type == .float64
        ? aligned(inputs, to: outputs[0].shape, as: Double.self)
        : aligned(inputs, to: outputs[0].shape, as: Float.self)
    ]
  }

  /// The samples of a cell along one dimension.
  private struct Samples<Real: BinaryFloatingPoint> {
    /// The pixels that they lie between, with their weights.
    var taps: [(position: Int, weight: Real)] = []
    /// Whether some lie outside the image, where numbers are 0.
    var leavesImage = false
  }

  private func aligned<Real: BinaryFloatingPoint & TensorElement>(
    _ inputs: [Tensor], to shape: Shape, as type: Real.Type
  ) -> Tensor {
    let image = inputs[0].shape
    let (pixels, regions) = (inputs[0].known(as: type), inputs[1].known(as: type))
    let indices = inputs[2].known(as: Int64.self)
    let (channels, plane) = (image[1], image[2] * image[3])
    var result = [Real](repeating: 0, count: shape.elementCount)
    for (region, index) in indices.enumerated() where (0..<Int64(image[0])).contains(index) {
      let corners = (0..<4).map {
        regions[region * 4 + $0] * Real(scale) - (usesHalfPixels ? 0.5 : 0)
      }
      let columns = samples(corners[0], corners[2], cells: width, extent: image[3])
      let rows = samples(corners[1], corners[3], cells: height, extent: image[2])
      for channel in 0..<channels {
        let from = (Int(index) * channels + channel) * plane
        for (row, ys) in rows.enumerated() {
          for (column, xs) in columns.enumerated() {
            let to = ((region * channels + channel) * height + row) * width + column
            result[to] = reduced(ys, xs) { pixels[from + $0 * image[3] + $1] }
          }
        }
      }
    }
    return Tensor(known: shape, result)
  }

  /// The samples of each cell along one dimension.
  private func samples<Real: BinaryFloatingPoint>(
    _ start: Real, _ end: Real, cells: Int, extent: Int
  ) -> [Samples<Real>] {
    let size = (usesHalfPixels ? end - start : max(end - start, 1)) / Real(cells)
    // A region beyond all bounds has no more samples than any sensible one.
    let count = samples > 0 ? samples : size > 0 ? Int(min(size.rounded(.up), 4096)) : 0
    return (0..<cells).map { cell in
      var samples = Samples<Real>()
      var weights: [Int: Real] = [:]
      for sample in 0..<count {
        let x = start + Real(cell) * size + (Real(sample) + 0.5) * size / Real(count)
        guard x >= -1, x <= Real(extent) else {
          samples.leavesImage = true
          continue
        }
        let inside = min(max(x, 0), Real(extent - 1))
        let low = Int(inside)
        let rest = inside - Real(low)
        let taps = [
          (position: low, weight: 1 - rest), (position: min(low + 1, extent - 1), weight: rest),
        ]
        if function == .maximum { samples.taps += taps }
        for tap in taps { weights[tap.position, default: 0] += tap.weight / Real(count) }
      }
      // A mean of samples is one of pixels.
      if function == .mean {
        samples.taps = weights.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      }
      return samples
    }
  }

  private func reduced<Real: BinaryFloatingPoint>(
    _ rows: Samples<Real>, _ columns: Samples<Real>, _ pixel: (Int, Int) -> Real
  ) -> Real {
    var sum: Real = 0
    var largest: Real? = rows.leavesImage || columns.leavesImage ? 0 : nil
    for y in rows.taps {
      for x in columns.taps {
        let product = y.weight * x.weight * pixel(y.position, x.position)
        sum += product
        largest = max(largest ?? product, product)
      }
    }
    return function == .mean ? sum : largest ?? 0
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each region reads any pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `regions 7×7`.
  public var glyph: Glyph { Glyph("regions \(height)×\(width)", .pooling) }
}
