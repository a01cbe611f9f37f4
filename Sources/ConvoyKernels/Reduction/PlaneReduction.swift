package import ConvoyTensors

/// The reduction of all pixels of each channel over the whole batch, first step: each part of them.
///
/// `ChannelTotals` combines the parts, so that one large plane occupies several threads, and the
/// result does not depend on their number.
package struct PlanePartReduction: Kernel {
  /// See `Kernel.name`.
  package let name = "portable reduction"
  private let function: ReductionFunction
  private let planes: PlaneLayout
  private let base: Region
  private let target: Region
  private let parts: PixelParts
  private let cursor: RowCursor

  /// - Parameters:
  ///   - planes: planes with offsets from `base`.
  ///   - target: `PlanePartReduction.elementCount` numbers: sixteen for each plane and part.
  package init(
    _ function: ReductionFunction, _ planes: PlaneLayout, base: Region, to target: Region
  ) {
    self.function = function
    self.planes = planes
    self.base = base
    self.target = target
    parts = PixelParts(planes, joiningRowsOf: [planes])
    cursor = RowCursor(planes)
  }

  /// The floats of the parts' results.
  package static func elementCount(_ planes: PlaneLayout) -> Int {
    planes.planes.count * PixelParts(planes).count * PlaneLayout.lanes
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { planes.planes.count * parts.count }

  /// Reduces one part of a plane.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch function {
    case .sum: run(LaneSum.self, chunk, memory)
    case .product: run(LaneProduct.self, chunk, memory)
    case .maximum: run(LaneMaximum.self, chunk, memory)
    case .minimum: run(LaneMinimum.self, chunk, memory)
    }
  }

  private func run<Function: LaneReduction>(
    _ function: Function.Type, _ chunk: Int, _ memory: Memory
  ) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let start = UnsafePointer(memory[base] + planes.planes[plane])
    var total = BlockedTotal<Function>()
    parts.forEachRun(of: part) { row, column, count in
      total.add(
        start + cursor.offset(ofRow: row) + column * PlaneLayout.lanes, count: count)
    }
    let totals = total.finish()
    let result = memory[target] + chunk * PlaneLayout.lanes
    for lane in 0..<PlaneLayout.lanes { result[lane] = Float(totals[lane]) }
  }
}

/// The reduction of all pixels of each channel over the whole batch, second step: the parts are
/// combined.
package struct ChannelTotals: Kernel {
  /// See `Kernel.name`.
  package let name = "portable reduction"
  private let function: ReductionFunction
  private let scale: Double
  private let places: [PlaneLayout.Position]
  private let partCount: Int
  private let source: Region
  private let target: Region

  /// - Parameters:
  ///   - scale: the factor of each result: for a mean, 1 ∕ n.
  ///   - planes: the planes of `PlanePartReduction`.
  ///   - source: the target of `PlanePartReduction`.
  ///   - target: a number for each channel.
  package init(
    _ function: ReductionFunction, scale: Double, of planes: PlaneLayout, from source: Region,
    to target: Region
  ) {
    self.function = function
    self.scale = scale
    places = planes.map
    partCount = PixelParts(planes).count
    self.source = source
    self.target = target
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Combines all parts.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch function {
    case .sum: run(LaneSum.self, memory)
    case .product: run(LaneProduct.self, memory)
    case .maximum: run(LaneMaximum.self, memory)
    case .minimum: run(LaneMinimum.self, memory)
    }
  }

  private func run<Function: LaneReduction>(_ function: Function.Type, _ memory: Memory) {
    for (channel, place) in places.enumerated() {
      let parts = memory[source] + place.plane * partCount * PlaneLayout.lanes + place.lane
      var total = Double(Function.neutral)
      for part in 0..<partCount {
        total = Function.combine(total, Double(parts[part * PlaneLayout.lanes]))
      }
      memory[target][channel] = Float(total * scale)
    }
  }
}

/// Reduces each image to one pixel, channel by channel: [B, C, …] to [B, C, 1, …], in planes.
package struct ImageReduction: Kernel {
  /// See `Kernel.name`.
  package let name = "portable reduction"
  private let function: ReductionFunction
  private let scale: Double
  private let planes: PlaneLayout
  private let base: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let chunks: Chunks

  /// - Parameters:
  ///   - scale: the factor of each result: for a mean, 1 ∕ n.
  ///   - planes: planes with offsets from `base`.
  ///   - output: planes of images of one pixel, with offsets from `outputBase`.
  package init(
    _ function: ReductionFunction, scale: Double, _ planes: PlaneLayout, base: Region,
    to output: PlaneLayout, outputBase: Region
  ) {
    self.function = function
    self.scale = scale
    self.planes = planes
    self.base = base
    self.output = output
    self.outputBase = outputBase
    chunks = Chunks(
      items: planes.planes.count * planes.batch,
      cost: planes.extents.volume * PlaneLayout.lanes)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Reduces some images.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    switch function {
    case .sum: run(LaneSum.self, chunk, memory)
    case .product: run(LaneProduct.self, chunk, memory)
    case .maximum: run(LaneMaximum.self, chunk, memory)
    case .minimum: run(LaneMinimum.self, chunk, memory)
    }
  }

  private func run<Function: LaneReduction>(
    _ function: Function.Type, _ chunk: Int, _ memory: Memory
  ) {
    for item in chunks[chunk] {
      let (plane, image) = item.quotientAndRemainder(dividingBy: planes.batch)
      let start = UnsafePointer(memory[base] + planes.planes[plane] + image * planes.imageStride)
      var total = BlockedTotal<Function>()
      for z in 0..<planes.extents[0] {
        for y in 0..<planes.extents[1] {
          total.add(start + planes.offset(Extents(z, y, 0)), count: planes.extents[2])
        }
      }
      let totals = total.finish()
      let pixel =
        memory[outputBase] + output.planes[plane] + image * output.imageStride
        + output.offset(.zero)
      for lane in 0..<PlaneLayout.lanes { pixel[lane] = Float(totals[lane] * scale) }
    }
  }
}
