public import ConvoyTensors

// MARK: Attributes

/// The gradient of a pooling's image.
///
/// Inputs: the image [B, C, …] and the gradient of the pooling's output. Output: the image's shape.
/// The gradient of a maximum goes to the first of the window's largest elements, in row-major
/// order; that of an average goes to all elements of the window, with the average's divisor.
public struct PoolingGradient: Operator {
  /// See `Operator.name`.
  public static let name = "poolingGradient"
  /// The pooling that is differentiated.
  public var pooling: Pooling

  /// Describes the gradient of a pooling.
  public init(pooling: Pooling) { self.pooling = pooling }

  // MARK: Shape

  /// The image's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let pooled = try pooling.outputShapes(for: [inputs[0]])[0]
    guard inputs[1] == pooled else {
      throw ConvoyError(.shape, "expected a gradient of shape \(pooled), got \(inputs[1])")
    }
    return [inputs[0]]
  }

  // MARK: Gradient

  /// None: a pooling is differentiated once only.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  // MARK: Reference

  /// Every element of the gradient is added to the elements that its window read.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (image, gradient) = (inputs[0], inputs[1])
    var result = ReferenceTensor(outputs[0])
    for position in gradient.shape.indices {
      let read = pooling.elements(under: position, of: image)
      switch pooling.function {
      case .maximum:
        if let largest = Pooling.firstLargest(of: read.positions, in: image) {
          result[largest] += gradient[position]
        }
      case .average:
        for source in read.positions { result[source] += gradient[position] / read.divisor }
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Each channel separately, over the pixels of a window.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing(2..<inputs[0].rank, .computes, hasBoundedReference: false)
  }

  // MARK: Glyph

  /// `∂ max 3×3 s2`.
  public var glyph: Glyph { Glyph("∂ \(pooling.label)", .pooling) }
}
