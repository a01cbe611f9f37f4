package import ConvoyTensors

/// A pooling of images in planes: each window of the image is reduced to one number.
package struct PoolingProblem: Hashable, Sendable {
  /// How the numbers of a window are reduced.
  package enum Function: Hashable, Sendable {
    /// The maximum.
    case maximum
    /// The sum divided by the number of the window's elements in the image, or in the padded image.
    case average(countsPadding: Bool)
  }

  /// How the numbers of a window are reduced.
  package var function: Function
  /// The image's planes.
  package var image: PlaneLayout
  /// The output's planes.
  package var output: PlaneLayout
  /// For each axis and output position, the span of its window.
  let axes: [[Span]]
  /// The extents of a window, including elements in the padding.
  let kernel: Extents
  /// From a window to the next.
  let stride: Extents
  /// The distance between neighbouring elements of a window.
  let dilation: Extents
  /// The padding before the image.
  let before: Extents

  /// The span of a window along one axis: only elements of the image, since padding is never read.
  struct Span: Hashable, Sendable {
    /// The first position of the image in the window; 0 if there is none.
    var start: Int
    /// The number of positions; 0 for a window of padding only.
    var count: Int
    /// The divisor of an average's sum.
    var divisor: Int
  }

  /// A pooling of images.
  ///
  /// - Parameters:
  ///   - padding: the padding before and after the image; may be larger than its halo.
  ///   - image: the image's planes.
  ///   - output: planes of the same channels.
  package init(
    _ function: Function, kernel: Extents, stride: Extents, dilation: Extents, padding: Halo,
    image: PlaneLayout, output: PlaneLayout
  ) {
    self.function = function
    self.image = image
    self.output = output
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    before = padding.before
    axes = (0..<3).map { axis in
      let (step, extent) = (dilation[axis], image.extents[axis])
      return (0..<output.extents[axis]).map { position in
        let corner = position * stride[axis] - padding.before[axis]
        let skipped = corner < 0 ? (step - 1 - corner) / step : 0
        let end = PoolingProblem.count(below: extent, from: corner, step, kernel[axis])
        let padded = PoolingProblem.count(
          below: extent + padding.after[axis], from: corner, step, kernel[axis])
        let count = max(0, end - skipped)
        return Span(
          start: count == 0 ? 0 : corner + skipped * step, count: count,
          divisor: max(1, function == .average(countsPadding: true) ? padded : count))
      }
    }
  }

  /// The number of a window's elements below a bound.
  private static func count(below bound: Int, from corner: Int, _ step: Int, _ kernel: Int) -> Int {
    min(kernel, max(0, (bound - corner + step - 1) / step))
  }

  /// The spans of the windows of an output row, along slices and rows.
  func rowSpans(slice: Int, row: Int) -> (z: Span, y: Span) { (axes[0][slice], axes[1][row]) }

  /// The number of a window's elements before the image.
  func skipped(axis: Int, _ position: Int) -> Int {
    (axes[axis][position].start - position * stride[axis] + before[axis]) / dilation[axis]
  }

  /// The columns of the image that the windows of some output columns cover.
  func columns(of outputs: Range<Int>) -> Range<Int> {
    var (low, high) = (Int.max, 0)
    for span in axes[2][outputs] where span.count > 0 {
      low = min(low, span.start)
      high = max(high, span.start + (span.count - 1) * dilation[2] + 1)
    }
    return min(low, high)..<high
  }

  /// Refuses windows of padding only.
  func requireElements() throws(Refusal) {
    if axes.contains(where: { $0.contains { $0.count == 0 } }) {
      throw Refusal("some of its windows hold only padding")
    }
  }
}

/// The regions of a pooling's operands.
package struct PoolingOperands: Sendable {
  let image: PlanePlaces
  let output: PlanePlaces

  /// Operands at given regions.
  package init(image: PlanePlaces, output: PlanePlaces) {
    self.image = image
    self.output = output
  }
}

/// The gradient of a pooling's image.
package struct PoolingGradientProblem: Hashable, Sendable {
  /// The pooling; its output's planes hold the gradient of the output.
  package var pooling: PoolingProblem
  /// Planes of the image's extents, for the gradient of the image.
  package var result: PlaneLayout

  /// The gradient of a pooling.
  package init(_ pooling: PoolingProblem, to result: PlaneLayout) {
    self.pooling = pooling
    self.result = result
  }
}

/// The regions of the operands of a pooling's gradient.
package struct PoolingGradientOperands: Sendable {
  let image: PlanePlaces
  /// The gradient of the output.
  let gradient: PlanePlaces
  let result: PlanePlaces

  /// Operands at given regions.
  package init(image: PlanePlaces, gradient: PlanePlaces, result: PlanePlaces) {
    self.image = image
    self.gradient = gradient
    self.result = result
  }
}
