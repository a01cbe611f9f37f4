package import ConvoyTensors

/// A window sliding over images in planes, each window's numbers becoming one.
package struct PoolingProblem: Hashable, Sendable {
  /// How a window's numbers become one.
  package enum Function: Hashable, Sendable {
    /// The largest.
    case maximum
    /// The sum, divided by the number of the image's elements in the window, or of the padded image's.
    case average(countsPadding: Bool)
  }

  /// How a window's numbers become one.
  package var function: Function
  /// The image's planes.
  package var image: PlaneLayout
  /// The planes of what is made of it.
  package var output: PlaneLayout
  /// For each axis and output position, what its window covers.
  let axes: [[Span]]
  /// A window's elements along each axis, those in the padding among them.
  let kernel: Extents
  /// From a window to the next.
  let stride: Extents
  /// How far apart a window's elements lie.
  let dilation: Extents
  /// How far before the image the first window begins.
  let before: Extents

  /// What a window covers along one axis: only elements of the image, for padding is never read.
  struct Span: Hashable, Sendable {
    /// The first of the image's positions in the window.
    var start: Int
    /// How many there are.
    var count: Int
    /// What an average's sum is divided by.
    var divisor: Int
  }

  /// Describes a pooling.
  ///
  /// - Parameters:
  ///   - padding: what surrounds the image, before and after; may be larger than its halo.
  ///   - image: the image's planes.
  ///   - output: planes of the same channels.
  /// - Precondition: every window covers an element of the image.
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
        precondition(end > skipped, "A window holds only padding.")
        return Span(
          start: corner + skipped * step, count: end - skipped,
          divisor: function == .average(countsPadding: true) ? padded : end - skipped)
      }
    }
  }

  /// How many of a window's elements lie below a bound.
  private static func count(below bound: Int, from corner: Int, _ step: Int, _ kernel: Int) -> Int {
    min(kernel, max(0, (bound - corner + step - 1) / step))
  }

  /// The span of the windows of an output row, across slices and rows.
  func rowSpans(slice: Int, row: Int) -> (z: Span, y: Span) { (axes[0][slice], axes[1][row]) }

  /// How many elements of a window lie before the image.
  func skipped(axis: Int, _ position: Int) -> Int {
    (axes[axis][position].start - position * stride[axis] + before[axis]) / dilation[axis]
  }

  /// The columns of the image that the windows of some output columns lie in.
  func columns(of outputs: Range<Int>) -> Range<Int> {
    var (low, high) = (Int.max, 0)
    for span in axes[2][outputs] {
      low = min(low, span.start)
      high = max(high, span.start + (span.count - 1) * dilation[2] + 1)
    }
    return low..<high
  }
}

/// Where the numbers of a pooling are.
package struct PoolingOperands: Sendable {
  let image: PlanePlaces
  let output: PlanePlaces

  /// Names the places.
  package init(image: PlanePlaces, output: PlanePlaces) {
    self.image = image
    self.output = output
  }
}

/// The gradient of a pooling's image.
package struct PoolingGradientProblem: Hashable, Sendable {
  /// The pooling; its output's planes are where the gradient comes in.
  package var pooling: PoolingProblem
  /// Planes of the image's extents, for its gradient.
  package var result: PlaneLayout

  /// Describes the gradient of a pooling.
  package init(_ pooling: PoolingProblem, to result: PlaneLayout) {
    self.pooling = pooling
    self.result = result
  }
}

/// Where the numbers of a pooling's gradient are.
package struct PoolingGradientOperands: Sendable {
  let image: PlanePlaces
  /// The gradient that comes in.
  let gradient: PlanePlaces
  let result: PlanePlaces

  /// Names the places.
  package init(image: PlanePlaces, gradient: PlanePlaces, result: PlanePlaces) {
    self.image = image
    self.gradient = gradient
    self.result = result
  }
}
