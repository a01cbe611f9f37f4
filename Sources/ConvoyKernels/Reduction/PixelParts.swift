import ConvoyTensors

/// The pixels of a plane, image by image and row by row, divided into parts of at most a few
/// thousand: the units of sums over planes, and of kernels that visit every pixel.
struct PixelParts: Hashable, Sendable {
  private let chunks: Chunks
  private let width: Int

  /// - Parameters:
  ///   - cost: the approximate cost of one pixel, in elementary operations.
  ///   - layouts: all layouts that the pixels are accessed in; if the pixels of a plane are
  ///     contiguous in each, they count as one row.
  init(_ layout: PlaneLayout, cost: Int = 32, joiningRowsOf layouts: [PlaneLayout] = []) {
    let count = layout.batch * layout.extents.volume
    chunks = Chunks(items: count, cost: cost)
    let isOneRow = !layouts.isEmpty && layouts.allSatisfy { $0.planeSize == count * 16 }
    width = isOneRow ? count : layout.extents[2]
  }

  /// The number of parts.
  var count: Int { chunks.count }

  /// The largest number of pixels in a part.
  var size: Int { chunks.size }

  /// The number of pixels in a part.
  func pixelCount(of part: Int) -> Int { chunks[part].count }

  /// Calls a closure with each run of adjacent pixels in a part: the row and column of the first,
  /// and their number.
  @inline(__always)
  func forEachRun(of part: Int, _ body: (_ row: Int, _ column: Int, _ count: Int) -> Void) {
    let pixels = chunks[part]
    var pixel = pixels.lowerBound
    while pixel < pixels.upperBound {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
      let count = min(width - column, pixels.upperBound - pixel)
      body(row, column, count)
      pixel += count
    }
  }
}
