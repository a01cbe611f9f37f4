package import ConvoyTensors

/// Copies whole pixels between an image and one of more channels, in which each pixel of a block of
/// the first has planes of its own.
package struct PixelBlockCopy: Kernel {
  /// See `Kernel.name`.
  package let name = "copy blocks of pixels"
  private let extent: Int
  private let deep: PlaneLayout
  private let base: Region
  private let wide: PlaneLayout
  private let wideBase: Region
  private let toSpace: Bool
  private let cursors: (deep: RowCursor, wide: RowCursor)
  private let chunks: Chunks

  /// - Parameters:
  ///   - extent: rows and columns of a block.
  ///   - deep: for each pixel of a block, row by row, as many planes as `wide` has, with offsets
  ///     from `base`.
  ///   - wide: planes of `extent` times the rows and columns, with offsets from `wideBase`.
  ///   - toSpace: whether `wide` is written; otherwise `deep` is.
  package init(
    extent: Int, deep: PlaneLayout, base: Region, wide: PlaneLayout, wideBase: Region,
    toSpace: Bool
  ) {
    precondition(deep.planes.count == wide.planes.count * extent * extent)
    self.extent = extent
    self.deep = deep
    self.base = base
    self.wide = wide
    self.wideBase = wideBase
    self.toSpace = toSpace
    cursors = (RowCursor(deep), RowCursor(wide))
    chunks = Chunks(
      items: wide.planes.count * cursors.wide.rows, cost: wide.extents[2] * PlaneLayout.lanes / 2)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Copies some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let lanes = PlaneLayout.lanes
    for item in chunks[chunk] {
      let (plane, row) = item.quotientAndRemainder(dividingBy: cursors.wide.rows)
      // Images have a multiple of `extent` rows.
      let (deepRow, inBlock) = row.quotientAndRemainder(dividingBy: extent)
      let pixels = memory[wideBase] + wide.planes[plane] + cursors.wide.offset(ofRow: row)
      for column in 0..<extent {
        let deepPlane = (inBlock * extent + column) * wide.planes.count + plane
        let line = memory[base] + deep.planes[deepPlane] + cursors.deep.offset(ofRow: deepRow)
        for x in 0..<deep.extents[2] {
          let (a, b) = (line + x * lanes, pixels + (x * extent + column) * lanes)
          if toSpace { b.lanes = a.lanes } else { a.lanes = b.lanes }
        }
      }
    }
  }
}

/// Copies channels in planes to the blocks of pixels of a row-major image.
package struct SpaceFromPlanes: Kernel {
  /// See `Kernel.name`.
  package let name = "copy channels to pixels"
  /// For each channel of the image and each pixel of a block, the beginning of the channel's lane.
  private let starts: [Int]
  private let extent: Int
  private let planes: PlaneLayout
  private let base: Region
  private let target: Region
  private let cursor: RowCursor
  private let chunks: Chunks

  /// - Parameters:
  ///   - channels: for each channel of the image, those that are the pixels of its blocks, row by
  ///     row.
  ///   - extent: rows and columns of a block.
  ///   - planes: planes in any order, with offsets from `base`.
  package init(
    _ channels: [[Int]], extent: Int, _ planes: PlaneLayout, base: Region, to target: Region
  ) {
    starts = channels.flatMap { $0 }.map {
      planes.planes[planes.map[$0].plane] + planes.map[$0].lane
    }
    self.extent = extent
    self.planes = planes
    self.base = base
    self.target = target
    cursor = RowCursor(planes)
    chunks = Chunks(
      items: channels.count * cursor.rows * extent, cost: planes.extents[2] * extent * 2)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Writes some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let width = planes.extents[2]
    let rowsPerImage = cursor.rows / planes.batch
    let channels = starts.count / (extent * extent)
    for item in chunks[chunk] {
      // Items are rows of the target, in its order.
      let (blockRow, inBlock) = item.quotientAndRemainder(dividingBy: extent)
      let (channelRow, row) = blockRow.quotientAndRemainder(dividingBy: rowsPerImage)
      let (image, channel) = channelRow.quotientAndRemainder(dividingBy: channels)
      let from = memory[base] + cursor.offset(ofRow: image * rowsPerImage + row)
      let to = memory[target] + item * width * extent
      for column in 0..<extent {
        let start = from + starts[(channel * extent + inBlock) * extent + column]
        for x in 0..<width { to[x * extent + column] = start[x * PlaneLayout.lanes] }
      }
    }
  }
}
