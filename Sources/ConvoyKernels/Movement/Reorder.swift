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

/// Copies a row-major tensor [batch, channels, spatial…], or one with the channels last, into planes.
package struct PlanesFromDense: Kernel {
  /// See `Kernel.name`.
  package let name = "reorder to planes"
  private let source: Region
  private let base: Region
  private let table: ReorderTable

  /// - Parameters:
  ///   - planes: planes with offsets from `base`.
  package init(
    from source: Region, to planes: PlaneLayout, base: Region, channelsLast: Bool = false
  ) {
    self.source = source
    self.base = base
    table = ReorderTable(planes, channelsLast: channelsLast)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { table.chunks.count }

  /// Reorders some blocks of pixels.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (from, to) = (UnsafePointer(memory[source]), memory[base])
    table.forEachBlock(of: chunk) { block in
      let (dense, pixels) = (from + block.dense, to + block.plane)
      if table.isChannelsLast {
        scatterPixels(dense, block, pixels)
      } else {
        scatterLines(dense, block, pixels)
      }
    }
  }

  @inline(__always)
  private func scatterLines(
    _ dense: UnsafePointer<Float>, _ block: ReorderTable.Block, _ to: UnsafeMutablePointer<Float>
  ) {
    let lanes = block.lanes
    let whole = block.pixels / 4 * 4
    for group in stride(from: 0, to: PlaneLayout.lanes, by: 4) {
      let (a, b, c, d) = (lanes[group], lanes[group + 1], lanes[group + 2], lanes[group + 3])
      var first = 0
      if min(a, b, c, d) >= 0 {
        for pixel in stride(from: 0, to: whole, by: 4) {
          let line = dense + pixel
          let four = transposed(
            (line + a).four, (line + b).four, (line + c).four, (line + d).four)
          let target = to + pixel * PlaneLayout.lanes + group
          target.four = four.0
          (target + PlaneLayout.lanes).four = four.1
          (target + 2 * PlaneLayout.lanes).four = four.2
          (target + 3 * PlaneLayout.lanes).four = four.3
        }
        first = whole
      }
      for lane in group..<group + 4 {
        let line = lanes[lane] < 0 ? nil : dense + lanes[lane]
        for pixel in first..<block.pixels {
          to[pixel * PlaneLayout.lanes + lane] = line?[pixel] ?? 0
        }
      }
    }
  }

  @inline(__always)
  private func scatterPixels(
    _ dense: UnsafePointer<Float>, _ block: ReorderTable.Block, _ to: UnsafeMutablePointer<Float>
  ) {
    for pixel in 0..<block.pixels {
      let from = dense + pixel * table.channels
      let target = to + pixel * PlaneLayout.lanes
      if block.areNeighbours {
        target.lanes = (from + block.lanes[0]).unalignedLanes
      } else {
        for lane in 0..<PlaneLayout.lanes {
          target[lane] = block.lanes[lane] < 0 ? 0 : from[block.lanes[lane]]
        }
      }
    }
  }
}

/// Copies planes into a row-major tensor [batch, channels, spatial…], or one with the channels
/// last. Reads any order of channels.
package struct DenseFromPlanes: Kernel {
  /// See `Kernel.name`.
  package let name = "reorder to rows"
  private let target: Region
  private let base: Region
  private let table: ReorderTable

  /// - Parameters:
  ///   - planes: planes of 16 lanes, with offsets from `base`.
  package init(
    from planes: PlaneLayout, base: Region, to target: Region, channelsLast: Bool = false
  ) {
    precondition(planes.hasLanes)
    self.target = target
    self.base = base
    table = ReorderTable(planes, channelsLast: channelsLast)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { table.chunks.count }

  /// Reorders some blocks of pixels.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (from, to) = (UnsafePointer(memory[base]), memory[target])
    table.forEachBlock(of: chunk) { block in
      let (dense, pixels) = (to + block.dense, from + block.plane)
      if table.isChannelsLast {
        gatherPixels(pixels, block, dense)
      } else {
        gatherLines(pixels, block, dense)
      }
    }
  }

  @inline(__always)
  private func gatherLines(
    _ from: UnsafePointer<Float>, _ block: ReorderTable.Block, _ dense: UnsafeMutablePointer<Float>
  ) {
    let lanes = block.lanes
    let whole = block.pixels / 4 * 4
    for group in stride(from: 0, to: PlaneLayout.lanes, by: 4) {
      let (a, b, c, d) = (lanes[group], lanes[group + 1], lanes[group + 2], lanes[group + 3])
      var first = 0
      if min(a, b, c, d) >= 0 {
        for pixel in stride(from: 0, to: whole, by: 4) {
          let source = from + pixel * PlaneLayout.lanes + group
          let four = transposed(
            source.four, (source + PlaneLayout.lanes).four, (source + 2 * PlaneLayout.lanes).four,
            (source + 3 * PlaneLayout.lanes).four)
          let line = dense + pixel
          (line + a).four = four.0
          (line + b).four = four.1
          (line + c).four = four.2
          (line + d).four = four.3
        }
        first = whole
      }
      for lane in group..<group + 4 where lanes[lane] >= 0 {
        let line = dense + lanes[lane]
        for pixel in first..<block.pixels { line[pixel] = from[pixel * PlaneLayout.lanes + lane] }
      }
    }
  }

  @inline(__always)
  private func gatherPixels(
    _ from: UnsafePointer<Float>, _ block: ReorderTable.Block, _ dense: UnsafeMutablePointer<Float>
  ) {
    for pixel in 0..<block.pixels {
      let source = from + pixel * PlaneLayout.lanes
      let to = dense + pixel * table.channels
      if block.areNeighbours {
        (to + block.lanes[0]).store(source.lanes, first: PlaneLayout.lanes)
      } else {
        for lane in 0..<PlaneLayout.lanes where block.lanes[lane] >= 0 {
          to[block.lanes[lane]] = source[lane]
        }
      }
    }
  }
}

/// The blocks of pixels in which planes and a row-major tensor are copied to one another.
private struct ReorderTable: Sendable {
  /// Pixels of a plane that are neighbours in both.
  struct Block {
    /// Floats from the beginning of the planes and of the tensor to the first pixel.
    var plane: Int
    var dense: Int
    var pixels: Int
    /// For each lane, floats from the tensor's pixel to the lane's channel; negative for none.
    var lanes: SIMD16<Int>
    /// Whether the lanes are 16 neighbours in the tensor.
    var areNeighbours: Bool
  }

  let isChannelsLast: Bool
  let channels: Int
  let chunks: Chunks
  private let planes: PlaneLayout
  private let rows: PlaneRows
  private let lanes: [SIMD16<Int>]
  private let blocksPerRow: Int
  /// Pixels whose numbers stay in the first-level cache.
  private static let blockSize = 256

  init(_ planes: PlaneLayout, channelsLast: Bool) {
    isChannelsLast = channelsLast
    channels = planes.channels
    self.planes = planes
    rows = PlaneRows([planes])
    let step = channelsLast ? 1 : planes.extents.volume
    let channelsByLane = planes.channelsByLane
    lanes = planes.planes.indices.map { plane in
      var lanes = SIMD16<Int>(repeating: -1)
      for lane in 0..<PlaneLayout.lanes {
        if let channel = channelsByLane[plane * PlaneLayout.lanes + lane] {
          lanes[lane] = channel * step
        }
      }
      return lanes
    }
    blocksPerRow = (rows.columns + Self.blockSize - 1) / Self.blockSize
    chunks = Chunks(
      items: planes.planes.count * rows.count * blocksPerRow,
      cost: min(rows.columns, Self.blockSize) * PlaneLayout.lanes / 2)
  }

  /// Calls a closure with each block of a chunk.
  @inline(__always)
  func forEachBlock(of chunk: Int, _ body: (Block) -> Void) {
    let rowsPerImage = rows.count / planes.batch
    let pixelStep = isChannelsLast ? channels : 1
    for item in chunks[chunk] {
      let (plane, inPlane) = item.quotientAndRemainder(dividingBy: rows.count * blocksPerRow)
      let (row, part) = inPlane.quotientAndRemainder(dividingBy: blocksPerRow)
      let (image, inImage) = row.quotientAndRemainder(dividingBy: rowsPerImage)
      let first = part * Self.blockSize
      let start = lanes[plane]
      body(
        Block(
          plane: planes.planes[plane] + rows.offset(ofRow: row, in: planes)
            + first * PlaneLayout.lanes,
          dense: image * channels * planes.extents.volume
            + (inImage * rows.columns + first) * pixelStep,
          pixels: min(Self.blockSize, rows.columns - first), lanes: start,
          areNeighbours: isChannelsLast && start[0] >= 0 && start == start[0] &+ neighbours))
    }
  }
}

/// 0, 1, … 15.
private let neighbours = SIMD16<Int>(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

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
