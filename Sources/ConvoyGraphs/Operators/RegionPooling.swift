public import ConvoyTensors

// MARK: Attributes

/// The maxima of the cells of some regions of images.
///
/// Inputs: images [B, C, H, W], and regions [R, 5]: the index of an image, and x and y of the first
/// and the last pixel. Output: [R, C, height, width]; 0 for a cell without pixels, and for an image
/// that there is not.
///
/// Source: Girshick, "Fast R-CNN", 2015; ONNX, `MaxRoiPool`.
public struct RegionPooling: TypedOperator {
  /// See `Operator.name`.
  public static let name = "regionPooling"
  /// The output's height.
  public var height: Int
  /// The output's width.
  public var width: Int
  /// What regions' coordinates are multiplied by.
  public var scale: Float

  /// Describes a pooling of regions.
  public init(height: Int, width: Int, scale: Float = 1) {
    (self.height, self.width, self.scale) = (height, width, scale)
  }

  // MARK: Shape

  /// Regions, channels, height and width.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    guard inputs[0].rank == 4, inputs[1].rank == 2, inputs[1][1] == 5 else {
      throw ConvoyError(
        .shape, "expected images B×C×H×W and regions R×5, got \(inputs[0]) and \(inputs[1])")
    }
    return [try Shape(validating: [inputs[1][0], inputs[0][1], height, width])]
  }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  // MARK: Definition

  /// Loops over regions, channels, cells and pixels.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [
      outputs[0].type == .float64
        ? pooled(inputs, to: outputs[0].shape, as: Double.self)
        : pooled(inputs, to: outputs[0].shape, as: Float.self)
    ]
  }

  private func pooled<Real: BinaryFloatingPoint & TensorElement>(
    _ inputs: [Tensor], to shape: Shape, as type: Real.Type
  ) -> Tensor {
    let image = inputs[0].shape
    let pixels = inputs[0].known(as: type)
    // Which pixels a region has depends on the rounding of 32-bit floats.
    let regions = inputs[1].converted(to: .float32).known(as: Float.self)
    let channels = image[1]
    var result = [Real](repeating: 0, count: shape.elementCount)
    for region in 0..<shape[0] {
      let numbers = regions[region * 5..<region * 5 + 5].map { $0 }
      guard numbers[0] >= 0, numbers[0] < Float(image[0]) else { continue }
      let columns = ranges(numbers[1], numbers[3], cells: width, extent: image[3])
      let rows = ranges(numbers[2], numbers[4], cells: height, extent: image[2])
      for channel in 0..<channels {
        let plane = (Int(numbers[0]) * channels + channel) * image[2] * image[3]
        for (row, ys) in rows.enumerated() {
          for (column, xs) in columns.enumerated() where !ys.isEmpty && !xs.isEmpty {
            var largest = -Real.infinity
            for y in ys {
              for x in xs { largest = max(largest, pixels[plane + y * image[3] + x]) }
            }
            result[((region * channels + channel) * height + row) * width + column] = largest
          }
        }
      }
    }
    return Tensor(known: shape, result)
  }

  /// The pixels of each cell along one dimension.
  private func ranges(_ first: Float, _ last: Float, cells: Int, extent: Int) -> [Range<Int>] {
    func rounded(_ x: Float) -> Float {
      let limit = Float(Window.largestAttribute)
      return x.isNaN ? 0 : min(max((x * scale).rounded(), -limit), limit)
    }
    let start = rounded(first)
    let size = max(rounded(last) - start + 1, 1) / Float(cells)
    return (0..<cells).map { cell in
      let low = Int((Float(cell) * size).rounded(.down) + start)
      let high = Int((Float(cell + 1) * size).rounded(.up) + start)
      let inside = min(max(low, 0), extent)
      return inside..<max(inside, min(max(high, 0), extent))
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each region reads any pixels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `max of regions 7×7`.
  public var glyph: Glyph { Glyph("max of regions \(height)×\(width)", .pooling) }
}
