package import ConvoyTensors

/// Makes each channel of some planes a channel of other planes, or zero: concatenation, slices and
/// shuffles of channels in planes. Reads any order of channels.
///
/// Whole pixels are copied where a plane's channels are in the same lanes of one source plane, as
/// when multiples of 16 are concatenated; other planes are copied lane by lane.
package struct ChannelGather: Kernel {
  /// Planes that are read.
  package struct Source: Sendable {
    /// Planes with offsets from `base`, of the target's batch and extents.
    package var planes: PlaneLayout
    /// The base of the planes.
    package var base: Region

    /// Planes with offsets from a base.
    package init(_ planes: PlaneLayout, base: Region) {
      self.planes = planes
      self.base = base
    }
  }

  /// A channel of one of the sources.
  package struct Channel: Hashable, Sendable {
    /// The index of the source.
    package var source: Int
    /// The channel of the source.
    package var channel: Int

    /// A channel of a source.
    package init(source: Int, channel: Int) {
      self.source = source
      self.channel = channel
    }
  }

  /// The origin of a plane of the target.
  private enum Origin {
    /// Whole pixels of a source, at an offset in floats from its base.
    case plane(source: Int, start: Int)
    /// Numbers for some of the lanes.
    case lanes([Lane])
  }

  private struct Lane {
    /// The index of the source; nil for zeros.
    var source: Int?
    var start: Int
    var target: Int
  }

  /// See `Kernel.name`.
  package let name = "gather channels"
  private let sources: [Source]
  private let target: PlaneLayout
  private let base: Region
  private let origins: [Origin]
  private let rows: PlaneRows
  private let chunks: Chunks

  /// - Parameters:
  ///   - channels: for each channel of the target, its origin, or nil for zeros.
  ///   - target: planes with offsets from `base`.
  package init(
    _ channels: [Channel?], from sources: [Source], to target: PlaneLayout, base: Region
  ) {
    self.sources = sources
    self.target = target
    self.base = base
    var lanes: [[Lane]] = target.planes.map { _ in [] }
    for (channel, position) in zip(channels, target.map) {
      let lane = channel.map { channel in
        let planes = sources[channel.source].planes
        let from = planes.map[channel.channel]
        return Lane(
          source: channel.source, start: planes.planes[from.plane] + from.lane,
          target: position.lane)
      }
      lanes[position.plane].append(lane ?? Lane(source: nil, start: 0, target: position.lane))
    }
    origins = lanes.map { lanes in
      guard let first = lanes.first, let source = first.source else { return .lanes(lanes) }
      let start = first.start - first.target
      let isWhole =
        sources[source].planes.planes.contains(start)
        && lanes.allSatisfy { $0.source == source && $0.start - $0.target == start }
      return isWhole ? .plane(source: source, start: start) : .lanes(lanes)
    }
    rows = PlaneRows([target] + sources.map(\.planes))
    chunks = Chunks(
      items: target.planes.count * rows.count, cost: rows.columns * PlaneLayout.lanes)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Copies some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    for item in chunks[chunk] {
      let (plane, row) = item.quotientAndRemainder(dividingBy: rows.count)
      let to = memory[base] + target.planes[plane] + rows.offset(ofRow: row, in: target)
      switch origins[plane] {
      case .plane(let source, let start):
        let planes = sources[source].planes
        let from = memory[sources[source].base] + start + rows.offset(ofRow: row, in: planes)
        to.update(from: from, count: rows.columns * PlaneLayout.lanes)
      case .lanes(let lanes):
        for lane in lanes { copy(lane, row, memory, to + lane.target) }
      }
    }
  }

  private func copy(
    _ lane: Lane, _ row: Int, _ memory: Memory, _ to: UnsafeMutablePointer<Float>
  ) {
    let end = rows.columns * PlaneLayout.lanes
    guard let source = lane.source else {
      for pixel in stride(from: 0, to: end, by: PlaneLayout.lanes) { to[pixel] = 0 }
      return
    }
    let start = lane.start + rows.offset(ofRow: row, in: sources[source].planes)
    let from = memory[sources[source].base] + start
    for pixel in stride(from: 0, to: end, by: PlaneLayout.lanes) { to[pixel] = from[pixel] }
  }
}

/// The rows in which planes of the same batch and extents are visited together: an image is a
/// single row where none of the layouts has anything between its rows.
struct PlaneRows: Sendable {
  /// Rows of all images.
  let count: Int
  /// Pixels of a row.
  let columns: Int
  private let rowsPerSlice: Int
  private let rowsPerImage: Int

  init(_ layouts: [PlaneLayout]) {
    let extents = layouts[0].extents
    let isDense = layouts.allSatisfy { $0.halo == .none }
    rowsPerSlice = isDense ? 1 : extents[1]
    rowsPerImage = isDense ? 1 : extents[0] * extents[1]
    columns = extents.volume / rowsPerImage
    count = layouts[0].batch * rowsPerImage
  }

  /// Floats from a plane's beginning to a row's first pixel.
  func offset(ofRow row: Int, in layout: PlaneLayout) -> Int {
    let (image, inImage) = row.quotientAndRemainder(dividingBy: rowsPerImage)
    let (slice, y) = inImage.quotientAndRemainder(dividingBy: rowsPerSlice)
    return image * layout.imageStride + layout.offset(Extents(slice, y, 0))
  }
}
