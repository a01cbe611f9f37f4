import ConvoyTensors

/// The pixels of a plane, image after image and row after row, cut into parts of a few thousand at most:
/// the units in which sums over planes are made, and in which kernels visit every pixel.
struct PixelParts: Hashable, Sendable {
  private let chunks: Chunks
  private let width: Int

  /// - Parameters:
  ///   - cost: what one pixel costs, in elementary operations, about.
  ///   - layouts: all layouts in which pixels are looked for: where none has anything between its pixels, all
  ///     of a plane count as one row.
  init(_ layout: PlaneLayout, cost: Int = 32, joiningRowsOf layouts: [PlaneLayout] = []) {
    let count = layout.batch * layout.extents.volume
    chunks = Chunks(items: count, cost: cost)
    let isOneRow = !layouts.isEmpty && layouts.allSatisfy { $0.planeSize == count * 16 }
    width = isOneRow ? count : layout.extents[2]
  }

  /// How many parts.
  var count: Int { chunks.count }

  /// The largest number of pixels in a part.
  var size: Int { chunks.size }

  /// How many pixels there are in a part.
  func pixelCount(of part: Int) -> Int { chunks[part].count }

  /// Calls a closure with each run of neighbours in a part: the row and column of the first, and
  /// how many they are.
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
