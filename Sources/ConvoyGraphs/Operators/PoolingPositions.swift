public import ConvoyTensors

// MARK: Attributes

/// Where the maximum of each window of an image stands.
///
/// Input: an image [B, C, …]. Output: [B, C, …] of type int64: the index of the window's first
/// largest element among all elements of the tensor; −1 for a window of padding alone.
///
/// Source: ONNX, the second output of `MaxPool`.
public struct PoolingPositions: TypedOperator {
  /// See `Operator.name`.
  public static let name = "poolingPositions"
  /// The window.
  public var window: Window
  /// Whether the first spatial dimension varies fastest in the index; else the last does.
  public var isColumnMajor: Bool

  /// Describes the positions of maxima.
  public init(window: Window, isColumnMajor: Bool = false) {
    (self.window, self.isColumnMajor) = (window, isColumnMajor)
  }

  // MARK: Shape and type

  /// As that of `Pooling`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try Pooling(.maximum, window: window).outputShapes(for: inputs)
  }

  /// Floats become indices.
  public var types: TypeRule { TypeRule([[.float32]], outputs: [.int64]) }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil] }

  // MARK: Definition

  /// Loops over planes, windows and their elements.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [
      inputs[0].type == .float64
        ? positions(inputs[0], outputs[0].shape, as: Double.self)
        : positions(inputs[0], outputs[0].shape, as: Float.self)
    ]
  }

  private func positions<Real: BinaryFloatingPoint & TensorElement>(
    _ image: Tensor, _ shape: Shape, as type: Real.Type
  ) -> Tensor {
    let (pixels, extents) = (image.known(as: type), image.shape.pixels)
    let windows = candidates(of: extents, to: shape.pixels)
    let plane = extents.elementCount
    var result: [Int64] = []
    result.reserveCapacity(shape.elementCount)
    for start in stride(from: 0, to: pixels.count, by: plane) {
      for window in windows {
        var best: (value: Real, index: Int)?
        for (offset, index) in window {
          let value = pixels[start + offset]
          if let best, best.value.isNaN || !(value > best.value || value.isNaN) { continue }
          best = (value, index)
        }
        result.append(best.map { Int64(start + $0.index) } ?? -1)
      }
    }
    return Tensor(known: shape, result)
  }

  /// For each window the pixels under it: their places in a plane, and their indices.
  private func candidates(of extents: Shape, to output: Shape) -> [[(offset: Int, index: Int)]] {
    let padding = window.resolvedPadding(for: extents.dimensions)
    let strides = extents.strides
    // The product of the extents before each dimension.
    let columnStrides = extents.dimensions.indices.map {
      extents.dimensions.prefix($0).reduce(1, *)
    }
    let elements = Array(Shape(window.kernel).indices)
    return output.indices.map { position in
      elements.compactMap { element in
        let source = window.inputPosition(output: position, element: element, padding: padding)
        return extents.offset(of: source).map { offset in
          let steps = isColumnMajor ? columnStrides : strides
          return (offset, zip(source, steps).reduce(0) { $0 + $1.0 * $1.1 })
        }
      }
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Indices are those of the whole tensor.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `place of max 2×2 s2`.
  public var glyph: Glyph {
    Glyph("place of \(Pooling(.maximum, window: window).label)", .pooling)
  }
}
