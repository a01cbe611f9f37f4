package import ConvoyTensors

/// The rows of an image's planes, for kernels that visit every pixel.
struct RowCursor: Hashable, Sendable {
  let rows: Int
  private let layout: PlaneLayout

  init(_ layout: PlaneLayout) {
    self.layout = layout
    rows = layout.batch * layout.extents[0] * layout.extents[1]
  }

  /// The image that a row belongs to.
  func image(ofRow row: Int) -> Int { row / (layout.extents[0] * layout.extents[1]) }

  /// Floats from a plane's beginning to a row's first pixel.
  func offset(ofRow row: Int) -> Int {
    let (image, inImage) = row.quotientAndRemainder(
      dividingBy: layout.extents[0] * layout.extents[1])
    let (slice, y) = inImage.quotientAndRemainder(dividingBy: layout.extents[1])
    return image * layout.imageStride + layout.offset(Extents(slice, y, 0))
  }
}

/// Copies a row-major tensor [batch, channels, spatial…] into planes.
package struct PlanesFromDense: Kernel {
  /// See `Kernel.name`.
  package let name = "reorder to planes"
  private let source: Region
  private let base: Region
  private let planes: PlaneLayout
  private let cursor: RowCursor
  private let chunks: Chunks
  private let channelStride: Int
  /// For each lane of each plane, floats from an image's beginning to its channel.
  private let starts: [Int?]

  /// - Parameters:
  ///   - planes: planes with offsets from `base`.
  package init(from source: Region, to planes: PlaneLayout, base: Region) {
    self.source = source
    self.planes = planes
    self.base = base
    cursor = RowCursor(planes)
    channelStride = planes.extents.volume
    starts = planes.channelsByLane.map { $0.map { $0 * planes.extents.volume } }
    chunks = Chunks(
      items: planes.planes.count * cursor.rows, cost: planes.extents[2] * PlaneLayout.lanes)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Reorders some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let width = planes.extents[2]
    let rowsPerImage = cursor.rows / planes.batch
    for item in chunks[chunk] {
      let (plane, row) = item.quotientAndRemainder(dividingBy: cursor.rows)
      let image = cursor.image(ofRow: row)
      let target = memory[base] + planes.planes[plane] + cursor.offset(ofRow: row)
      let start =
        memory[source] + image * planes.channels * channelStride
        + (row - image * rowsPerImage) * width
      for lane in 0..<PlaneLayout.lanes {
        guard let channel = starts[plane * PlaneLayout.lanes + lane] else {
          for column in 0..<width { target[column * PlaneLayout.lanes + lane] = 0 }
          continue
        }
        let from = start + channel
        for column in 0..<width { target[column * PlaneLayout.lanes + lane] = from[column] }
      }
    }
  }
}

/// Copies planes into a row-major tensor [batch, channels, spatial…]. Reads any order of channels,
/// and pixels of any size.
package struct DenseFromPlanes: Kernel {
  /// See `Kernel.name`.
  package let name = "reorder to rows"
  private let target: Region
  private let base: Region
  private let planes: PlaneLayout
  private let cursor: RowCursor
  private let chunks: Chunks

  /// - Parameters:
  ///   - planes: planes with offsets from `base`.
  package init(from planes: PlaneLayout, base: Region, to target: Region) {
    self.target = target
    self.planes = planes
    self.base = base
    cursor = RowCursor(planes)
    chunks = Chunks(items: planes.channels * cursor.rows, cost: planes.extents[2] * 2)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Reorders some rows of some channels.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let width = planes.extents[2]
    let rowsPerImage = cursor.rows / planes.batch
    for item in chunks[chunk] {
      let (channel, row) = item.quotientAndRemainder(dividingBy: cursor.rows)
      let image = cursor.image(ofRow: row)
      let position = planes.map[channel]
      let source =
        memory[base] + planes.planes[position.plane] + position.lane + cursor.offset(ofRow: row)
      let start =
        memory[target] + (image * planes.channels + channel) * planes.extents.volume
        + (row - image * rowsPerImage) * width
      for column in 0..<width { start[column] = source[column * planes.pixelStride] }
    }
  }
}

/// Copies images row by row between planes of one kind with different halos.
package struct RowCopy: Kernel {
  /// See `Kernel.name`.
  package let name = "put a halo around"
  private let input: PlaneLayout
  private let inputBase: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let cursors: (input: RowCursor, output: RowCursor)
  private let chunks: Chunks

  /// - Parameters:
  ///   - input: planes with offsets from `base`.
  ///   - output: as many planes with pixels of the same size, with offsets from `outputBase`.
  package init(
    _ input: PlaneLayout, base: Region, to output: PlaneLayout, outputBase: Region
  ) {
    precondition(input.planes.count == output.planes.count)
    precondition(input.pixelStride == output.pixelStride && input.extents == output.extents)
    self.input = input
    inputBase = base
    self.output = output
    self.outputBase = outputBase
    cursors = (RowCursor(input), RowCursor(output))
    chunks = Chunks(
      items: output.planes.count * cursors.output.rows,
      cost: output.extents[2] * output.pixelStride / 4)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Copies some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    for item in chunks[chunk] {
      let (plane, row) = item.quotientAndRemainder(dividingBy: cursors.output.rows)
      let source = memory[inputBase] + input.planes[plane] + cursors.input.offset(ofRow: row)
      let target = memory[outputBase] + output.planes[plane] + cursors.output.offset(ofRow: row)
      target.update(from: source, count: input.extents[2] * input.pixelStride)
    }
  }
}

/// Sets the halo of every image of some planes to zero.
package struct HaloClearing: Kernel {
  /// See `Kernel.name`.
  package let name = "clear halo"
  private let base: Region
  private let planes: PlaneLayout
  /// The halo of an image, in pixels from its plane's beginning. What is between one row's last
  /// pixel and the next row's first is contiguous, also across slices. The halo begins before the
  /// first row and ends after the last.
  private let gaps: [Range<Int>]
  private let chunks: Chunks

  /// - Parameter planes: planes with offsets from `base`.
  package init(_ planes: PlaneLayout, base: Region) {
    self.planes = planes
    self.base = base
    var gaps: [Range<Int>] = []
    var position = 0
    for z in 0..<planes.extents[0] {
      for y in 0..<planes.extents[1] {
        let row = planes.offset(Extents(z, y, 0)) / planes.pixelStride
        gaps.append(position..<row)
        position = row + planes.extents[2]
      }
    }
    gaps.append(position..<planes.padded.volume)
    self.gaps = gaps
    let around = planes.padded.volume - planes.extents.volume
    chunks = Chunks(
      items: planes.planes.count * planes.batch, cost: around * planes.pixelStride / 4)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Clears the halos of some images.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (imageStride, pixelStride) = (planes.imageStride, planes.pixelStride)
    for item in chunks[chunk] {
      let (plane, image) = item.quotientAndRemainder(dividingBy: planes.batch)
      let start = memory[base] + planes.planes[plane] + image * imageStride
      for gap in gaps {
        if pixelStride == PlaneLayout.lanes {
          // Usually two pixels: a call would take longer.
          for pixel in gap { (start + pixel * PlaneLayout.lanes).lanes = .zero }
        } else {
          (start + gap.lowerBound * pixelStride).update(
            repeating: 0, count: gap.count * pixelStride)
        }
      }
    }
  }
}
