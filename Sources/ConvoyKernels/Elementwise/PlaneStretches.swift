import ConvoyTensors
import ConvoyTiles

/// The rows of planes of one geometry, joined to stretches that generated code processes in one
/// call, and divided into chunks.
struct PlaneStretches: Hashable, Sendable {
  /// Consecutive rows, in the form that generated code processes.
  struct Stretch {
    /// The index of the plane.
    let plane: Int
    /// The first row, counted over all images of the plane.
    let row: Int
    /// The number of bands of `pixels` adjacent pixels; `steps` are the distances between them.
    let bands: Int
    let pixels: Int
  }

  private let rowsPerPlane: Int
  private let rowsPerStretch: Int
  private let rowsPerImage: Int
  private let width: Int
  private let isContiguous: Bool
  private let chunks: Chunks
  /// For each layout, bytes from the end of a band to the next one.
  let steps: [Int]

  /// - Parameters:
  ///   - layouts: layouts of the same extents and batch; the first has the number of planes.
  ///   - byImage: whether each stretch must be in one image.
  ///   - activation: the function that is applied to each pixel.
  init(_ layouts: [PlaneLayout], byImage: Bool, activation: ActivationKind) {
    let (batch, extents) = (layouts[0].batch, layouts[0].extents)
    width = extents[2]
    rowsPerImage = extents[0] * extents[1]
    rowsPerPlane = batch * rowsPerImage
    let isDense = layouts.allSatisfy { $0.halo == .none }
    let hasDenseRows = layouts.allSatisfy { $0.padded[2] == extents[2] }
    isContiguous = isDense || hasDenseRows
    rowsPerStretch = !isDense ? extents[1] : byImage ? rowsPerImage : rowsPerPlane
    let isContiguous = isContiguous
    steps = layouts.map {
      isContiguous ? 0 : ($0.rowStride - extents[2] * PlaneLayout.lanes) * Float.byteCount
    }
    // A pixel of 64 bytes takes some nanoseconds to load and store, and as many to evaluate a
    // polynomial.
    let cost = extents[2] * (activation.isCheap ? 8 : 16)
    chunks = Chunks(items: layouts[0].planes.count * rowsPerPlane, cost: cost)
  }

  var chunkCount: Int { chunks.count }

  /// The image that a row belongs to.
  func image(ofRow row: Int) -> Int { row / rowsPerImage }

  /// Calls a closure with each stretch of a chunk.
  @inline(__always)
  func forEach(inChunk chunk: Int, _ body: (Stretch) -> Void) {
    let rows = chunks[chunk]
    var next = rows.lowerBound
    while next < rows.upperBound {
      let (plane, row) = next.quotientAndRemainder(dividingBy: rowsPerPlane)
      let count = min(rows.upperBound - next, rowsPerStretch - row % rowsPerStretch)
      body(
        Stretch(
          plane: plane, row: row, bands: isContiguous ? 1 : count,
          pixels: isContiguous ? count * width : width))
      next += count
    }
  }
}

extension TileArguments<PointwiseField> {
  /// Sets the number of pixels and bands of a stretch, and the steps between its bands.
  func set(_ stretch: PlaneStretches.Stretch) {
    set(.tiles, stretch.pixels)
    set(.bands, stretch.bands)
  }
}
