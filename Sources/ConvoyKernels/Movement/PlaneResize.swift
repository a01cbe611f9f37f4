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

/// The rows of an image that a row of the resized image is interpolated from.
private struct ResizeRows: Sendable {
  /// For depth, height and width: an entry for each position of the resized image.
  let axes: [[ResizeTap]]
  /// The layout before resizing.
  let image: PlaneLayout

  /// Up to four rows with their weights, for a row of the resized image.
  @inline(__always)
  func forEach(
    slice: ResizeTap, row: ResizeTap, _ body: (_ part: Float, _ start: Int) -> Void
  ) {
    func visit(_ part: Float, _ z: Int, _ y: Int) {
      if part != 0 { body(part, image.offset(Extents(z, y, 0))) }
    }
    visit((1 - slice.weight) * (1 - row.weight), slice.low, row.low)
    visit((1 - slice.weight) * row.weight, slice.low, row.high)
    visit(slice.weight * (1 - row.weight), slice.high, row.low)
    visit(slice.weight * row.weight, slice.high, row.high)
  }
}

/// Resizes images in planes; in plain Swift.
///
/// A row of the image is interpolated along its columns once, and kept for the neighbouring rows of
/// the resized image that are made of it.
package struct PlaneResize: Kernel {
  /// See `Kernel.name`.
  package let name = "portable resize"
  private let rows: ResizeRows
  private let image: PlaneLayout
  private let base: Region
  private let resized: PlaneLayout
  private let resizedBase: Region
  /// Rows of an image that a chunk writes.
  private let bandSize: Int
  private let bandCount: Int

  /// - Parameters:
  ///   - axes: for depth, height and width, an entry for each position of the resized image.
  ///   - image: the planes before resizing.
  ///   - resized: the planes after resizing, with the same channels in the same order.
  package init(
    _ axes: [[ResizeTap]], image: PlaneLayout, base: Region, resized: PlaneLayout,
    resizedBase: Region
  ) {
    rows = ResizeRows(axes: axes, image: image)
    self.image = image
    self.base = base
    self.resized = resized
    self.resizedBase = resizedBase
    // Each band interpolates the rows at its ends again.
    let rowCount = resized.extents[0] * resized.extents[1]
    bandSize = min(rowCount, max(16, Chunks.worthwhile / (resized.extents[2] * 8)))
    bandCount = (rowCount + bandSize - 1) / bandSize
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { image.planes.count * image.batch * bandCount }

  /// See `Kernel.scratchCount`.
  package var scratchCount: Int { InterpolatedRows.slots * resized.extents[2] * PlaneLayout.lanes }

  /// Resizes some rows of one image's plane.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (item, band) = chunk.quotientAndRemainder(dividingBy: bandCount)
    let (plane, number) = item.quotientAndRemainder(dividingBy: image.batch)
    let from = memory[base] + image.planes[plane] + number * image.imageStride
    let to = memory[resizedBase] + resized.planes[plane] + number * resized.imageStride
    let (height, width) = (resized.extents[1], resized.extents[2])
    let end = min((band + 1) * bandSize, resized.extents[0] * height)
    var kept = InterpolatedRows(from, taps: rows.axes[2], rowSize: width * 16, scratch)
    for row in band * bandSize..<end {
      let (z, y) = row.quotientAndRemainder(dividingBy: height)
      let target = to + resized.offset(Extents(z, y, 0))
      var isFirst = true
      rows.forEach(slice: rows.axes[0][z], row: rows.axes[1][y]) { part, start in
        let line = UnsafePointer(kept.row(at: start))
        if part == 1 {
          target.update(from: line, count: width * 16)
        } else if isFirst {
          for x in 0..<width { (target + x * 16).lanes = (line + x * 16).lanes * part }
        } else {
          for x in 0..<width {
            let place = target + x * 16
            place.lanes = place.lanes + (line + x * 16).lanes * part
          }
        }
        isFirst = false
      }
    }
  }
}

/// The last rows of an image that were interpolated along their columns.
private struct InterpolatedRows {
  /// As many rows as one resized row is made of.
  static let slots = 4

  private let image: UnsafeMutablePointer<Float>
  private let taps: [ResizeTap]
  private let rowSize: Int
  private let memory: UnsafeMutablePointer<Float>
  /// The row in each slot: floats from the image's beginning.
  private var starts = SIMD4<Int>(repeating: -1)
  private var next = 0

  init(
    _ image: UnsafeMutablePointer<Float>, taps: [ResizeTap], rowSize: Int,
    _ memory: UnsafeMutablePointer<Float>
  ) {
    self.image = image
    self.taps = taps
    self.rowSize = rowSize
    self.memory = memory
  }

  /// A row, interpolated now unless it is kept. The slot used longest ago is used again.
  mutating func row(at start: Int) -> UnsafeMutablePointer<Float> {
    for slot in 0..<Self.slots where starts[slot] == start { return memory + slot * rowSize }
    let target = memory + next * rowSize
    starts[next] = start
    next = (next + 1) % Self.slots
    let row = image + start
    taps.withUnsafeBufferPointer { taps in
      for (x, tap) in taps.enumerated() {
        var pixel = (row + tap.low * 16).lanes
        if tap.weight != 0 {
          pixel = pixel * (1 - tap.weight) + (row + tap.high * 16).lanes * tap.weight
        }
        (target + x * 16).lanes = pixel
      }
    }
    return target
  }
}

/// Propagates gradients of resized images in planes back; in plain Swift.
///
/// A chunk is a plane of an image, so that gradients are added in one order.
package struct PlaneResizeGradient: Kernel {
  /// See `Kernel.name`.
  package let name = "portable resize gradient"
  private let rows: ResizeRows
  private let image: PlaneLayout
  private let base: Region
  private let resized: PlaneLayout
  private let resizedBase: Region

  /// - Parameters:
  ///   - axes: for depth, height and width, an entry for each position of the resized image.
  ///   - image: the planes that the gradient of the image is written to.
  ///   - resized: the planes of the resized image's gradient, with the same channels in the same
  ///     order.
  package init(
    _ axes: [[ResizeTap]], image: PlaneLayout, base: Region, resized: PlaneLayout,
    resizedBase: Region
  ) {
    rows = ResizeRows(axes: axes, image: image)
    self.image = image
    self.base = base
    self.resized = resized
    self.resizedBase = resizedBase
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { image.planes.count * image.batch }

  /// Makes the gradient of one image's plane.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, number) = chunk.quotientAndRemainder(dividingBy: image.batch)
    let to = memory[base] + image.planes[plane] + number * image.imageStride
    let from = memory[resizedBase] + resized.planes[plane] + number * resized.imageStride
    clear(to)
    for (z, slice) in rows.axes[0].enumerated() {
      for (y, row) in rows.axes[1].enumerated() {
        let gradient = from + resized.offset(Extents(z, y, 0))
        rows.forEach(slice: slice, row: row) { spread(gradient, to + $1, part: $0) }
      }
    }
  }

  /// Adds a resized row's gradient, weighted, to a row that it was interpolated from.
  private func spread(
    _ gradient: UnsafeMutablePointer<Float>, _ row: UnsafeMutablePointer<Float>, part: Float
  ) {
    for (x, tap) in rows.axes[2].enumerated() {
      let pixel = (gradient + x * 16).lanes * part
      let low = row + tap.low * 16
      low.lanes = low.lanes + pixel * (1 - tap.weight)
      guard tap.weight != 0 else { continue }
      let high = row + tap.high * 16
      high.lanes = high.lanes + pixel * tap.weight
    }
  }

  private func clear(_ start: UnsafeMutablePointer<Float>) {
    for z in 0..<image.extents[0] {
      for y in 0..<image.extents[1] {
        (start + image.offset(Extents(z, y, 0))).update(repeating: 0, count: image.extents[2] * 16)
      }
    }
  }
}
