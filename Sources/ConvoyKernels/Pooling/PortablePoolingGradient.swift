import ConvoyTensors

/// The gradient of a pooling's image in plain Swift.
///
/// A chunk is a plane of an image, so that overlapping windows add to it one after the other.
struct PortablePoolingGradient: DirectMethod {
  typealias Problem = PoolingGradientProblem
  typealias Operands = PoolingGradientOperands

  static let title = "portable pooling gradient"
  let name = title
  private let problem: PoolingProblem
  private let result: PlaneLayout
  private let scales: [Float]

  /// Plans any problem.
  init(_ problem: PoolingGradientProblem, _ settings: KernelSettings) {
    self.problem = problem.pooling
    result = problem.result
    scales = problem.pooling.axes[2].map { 1 / Float($0.divisor) }
  }

  var chunkCount: Int { problem.image.planes.count * problem.image.batch }
  var scratchCount: Int {
    problem.function == .maximum ? 0 : problem.image.extents[2] * PlaneLayout.lanes
  }

  /// Computes the gradient of one image's plane.
  func run(
    chunk: Int, at operands: PoolingGradientOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (plane, image) = chunk.quotientAndRemainder(dividingBy: problem.image.batch)
    let source = problem.image
    let read = operands.image.start(of: plane, in: memory) + image * source.imageStride
    let written =
      operands.result.start(of: plane, in: memory) + image * result.imageStride
    clear(written)
    for slice in 0..<problem.output.extents[0] {
      for row in 0..<problem.output.extents[1] {
        let (z, y) = problem.rowSpans(slice: slice, row: row)
        let gradient = UnsafePointer(
          operands.gradient.start(of: plane, in: memory)
            + image * problem.output.imageStride + problem.output.offset(Extents(slice, row, 0)))
        if problem.function == .maximum {
          addToLargest(gradient, z, y, image: read, to: written)
        } else {
          addToAll(gradient, z, y, row: scratch, to: written)
        }
      }
    }
  }

  private func clear(_ result: UnsafeMutablePointer<Float>) {
    for z in 0..<self.result.extents[0] {
      for y in 0..<self.result.extents[1] {
        (result + self.result.offset(Extents(z, y, 0))).update(
          repeating: 0, count: self.result.extents[2] * PlaneLayout.lanes)
      }
    }
  }

  // MARK: Average

  /// Adds a row of divided gradients to all elements that their windows cover: first across
  /// columns, in scratch memory, then to each row.
  private func addToAll(
    _ gradient: UnsafePointer<Float>, _ z: PoolingProblem.Span, _ y: PoolingProblem.Span,
    row sums: UnsafeMutablePointer<Float>, to result: UnsafeMutablePointer<Float>
  ) {
    let width = problem.image.extents[2]
    let lanes = PlaneLayout.lanes
    sums.update(repeating: 0, count: width * lanes)
    let scale = 1 / Float(z.divisor * y.divisor)
    for (output, span) in problem.axes[2].enumerated() {
      let share = (gradient + output * lanes).lanes * (scale * scales[output])
      var sum = sums + span.start * lanes
      for _ in 0..<span.count {
        sum.lanes += share
        sum += problem.dilation[2] * lanes
      }
    }
    for slice in 0..<z.count {
      for row in 0..<y.count {
        let target =
          result
          + self.result.offset(
            Extents(z.start + slice * problem.dilation[0], y.start + row * problem.dilation[1], 0))
        for column in 0..<width {
          (target + column * lanes).lanes += (sums + column * lanes).lanes
        }
      }
    }
  }

  // MARK: Maximum

  /// Adds each gradient of a row to the first of the largest elements of its window.
  private func addToLargest(
    _ gradient: UnsafePointer<Float>, _ z: PoolingProblem.Span, _ y: PoolingProblem.Span,
    image: UnsafePointer<Float>, to result: UnsafeMutablePointer<Float>
  ) {
    for (output, x) in problem.axes[2].enumerated() {
      let corner = Extents(z.start, y.start, x.start)
      let counts = Extents(z.count, y.count, x.count)
      let places = firstLargest(image + problem.image.offset(corner), counts)
      let share = (gradient + output * PlaneLayout.lanes).lanes
      forEachPixel(
        result + self.result.offset(corner), self.result, counts
      ) { pixel, place in
        pixel.lanes += Lanes.zero.replacing(with: share, where: places .== place)
      }
    }
  }

  /// For each lane, the index of the first of the largest elements of a window.
  @inline(__always)
  private func firstLargest(
    _ start: UnsafePointer<Float>, _ counts: Extents
  ) -> SIMD16<Int32> {
    var largest = start.lanes
    var places = SIMD16<Int32>.zero
    forEachPixel(UnsafeMutablePointer(mutating: start), problem.image, counts) { pixel, place in
      let x = pixel.lanes
      let isLarger = x .> largest
      largest = largest.replacing(with: x, where: isLarger)
      places = places.replacing(with: place, where: isLarger)
    }
    return places
  }

  /// Visits the elements of a window that are in the image, in row-major order, with their indices.
  @inline(__always)
  private func forEachPixel(
    _ start: UnsafeMutablePointer<Float>, _ layout: PlaneLayout, _ counts: Extents,
    _ body: (_ pixel: UnsafeMutablePointer<Float>, _ place: SIMD16<Int32>) -> Void
  ) {
    let steps = problem.dilation
    var place: Int32 = 0
    for z in 0..<counts[0] {
      for y in 0..<counts[1] {
        var pixel =
          start + z * steps[0] * layout.sliceStride + y * steps[1] * layout.rowStride
        for _ in 0..<counts[2] {
          // A comparison with a vector is one instruction; with a scalar the compiler emits a loop
          // over lanes.
          body(pixel, SIMD16(repeating: place))
          place &+= 1
          pixel += steps[2] * PlaneLayout.lanes
        }
      }
    }
  }
}
