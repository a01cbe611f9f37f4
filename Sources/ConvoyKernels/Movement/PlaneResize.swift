package import ConvoyTensors

/// How a pixel of a resized image is interpolated along one axis: (1 − weight) times one position
/// plus weight times another.
package struct ResizeTap: Hashable, Sendable {
  /// The first position.
  package var low: Int
  /// The second position; may be equal to the first.
  package var high: Int
  /// The weight of the second position.
  package var weight: Float

  /// An interpolation between two positions.
  package init(low: Int, high: Int, weight: Float) {
    self.low = low
    self.high = high
    self.weight = weight
  }
}

/// Resizes images in planes, or propagates gradients of resized images back; in plain Swift.
///
/// A chunk is a plane of an image, so that gradients are added in one order.
package struct PlaneResize: Kernel {
  /// See `Kernel.name`.
  package let name: String
  private let isAdjoint: Bool
  /// For depth, height and width: an entry for each position of the resized image.
  private let axes: [[ResizeTap]]
  /// The image, and the resized image.
  private let small: (planes: PlaneLayout, base: Region)
  private let resized: (planes: PlaneLayout, base: Region)

  /// - Parameters:
  ///   - axes: for depth, height and width, an entry for each position of the resized image.
  ///   - image: the planes before resizing.
  ///   - resized: the planes after resizing, with the same channels in the same order.
  ///   - isAdjoint: whether gradients are propagated from the resized image to the image.
  package init(
    _ axes: [[ResizeTap]], image: PlaneLayout, base: Region, resized: PlaneLayout,
    resizedBase: Region, isAdjoint: Bool = false
  ) {
    name = isAdjoint ? "portable resize gradient" : "portable resize"
    self.axes = axes
    self.isAdjoint = isAdjoint
    small = (image, base)
    self.resized = (resized, resizedBase)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { small.planes.planes.count * small.planes.batch }

  /// Resizes one image's plane.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, image) = chunk.quotientAndRemainder(dividingBy: small.planes.batch)
    func start(_ side: (planes: PlaneLayout, base: Region)) -> UnsafeMutablePointer<Float> {
      memory[side.base] + side.planes.planes[plane] + image * side.planes.imageStride
    }
    let (from, to) = (start(small), start(resized))
    if isAdjoint { clear(from) }
    for (z, slice) in axes[0].enumerated() {
      for (y, row) in axes[1].enumerated() {
        let target = to + resized.planes.offset(Extents(z, y, 0))
        var isFirst = true
        for (rowPart, start) in rows(slice, row) where rowPart != 0 {
          if isAdjoint {
            spread(target, from + start, part: rowPart)
          } else {
            gather(from + start, target, part: rowPart, isFirst: isFirst)
          }
          isFirst = false
        }
      }
    }
  }

  /// The rows of the image that a row of the resized image is interpolated from, with their
  /// weights.
  private func rows(_ slice: ResizeTap, _ row: ResizeTap) -> [(part: Float, start: Int)] {
    func offset(_ z: Int, _ y: Int) -> Int { small.planes.offset(Extents(z, y, 0)) }
    return [
      ((1 - slice.weight) * (1 - row.weight), offset(slice.low, row.low)),
      ((1 - slice.weight) * row.weight, offset(slice.low, row.high)),
      (slice.weight * (1 - row.weight), offset(slice.high, row.low)),
      (slice.weight * row.weight, offset(slice.high, row.high)),
    ]
  }

  /// Adds a weighted row to the resized row, or initialises the resized row with it.
  private func gather(
    _ row: UnsafeMutablePointer<Float>, _ target: UnsafeMutablePointer<Float>, part: Float,
    isFirst: Bool
  ) {
    for (x, tap) in axes[2].enumerated() {
      var pixel = (row + tap.low * 16).lanes
      if tap.weight != 0 {
        pixel = pixel * (1 - tap.weight) + (row + tap.high * 16).lanes * tap.weight
      }
      let place = target + x * 16
      if part == 1 {
        place.lanes = pixel
      } else {
        place.lanes = isFirst ? pixel * part : place.lanes + pixel * part
      }
    }
  }

  /// Adds a resized row's gradient, weighted, to a row that it was interpolated from.
  private func spread(
    _ gradient: UnsafeMutablePointer<Float>, _ row: UnsafeMutablePointer<Float>, part: Float
  ) {
    for (x, tap) in axes[2].enumerated() {
      let pixel = (gradient + x * 16).lanes * part
      let low = row + tap.low * 16
      low.lanes = low.lanes + pixel * (1 - tap.weight)
      guard tap.weight != 0 else { continue }
      let high = row + tap.high * 16
      high.lanes = high.lanes + pixel * tap.weight
    }
  }

  private func clear(_ image: UnsafeMutablePointer<Float>) {
    let extents = small.planes.extents
    for z in 0..<extents[0] {
      for y in 0..<extents[1] {
        (image + small.planes.offset(Extents(z, y, 0))).update(repeating: 0, count: extents[2] * 16)
      }
    }
  }
}
