public import ConvoyTensors

/// What the kernels of a batch normalisation's gradient read.
public struct NormalizationGradientOperands: Sendable {
  let statistics: ChannelStatistics
  let image: PlaneLayout
  let imageBase: Region
  let gradient: PlaneLayout
  let gradientBase: Region

  /// Names the places.
  ///
  /// - Parameters:
  ///   - image: planes counted from `imageBase`.
  ///   - gradient: planes of the image's extents, counted from `gradientBase`.
  public init(
    _ statistics: ChannelStatistics, image: PlaneLayout, imageBase: Region,
    gradient: PlaneLayout, gradientBase: Region
  ) {
    self.statistics = statistics
    self.image = image
    self.imageBase = imageBase
    self.gradient = gradient
    self.gradientBase = gradientBase
  }
}

/// Σg and Σg·x̂ of each part of each plane, x̂ being the image before scale and shift; `ChannelTotals`
/// makes the gradients of shift and scale of them.
public struct PlanePartNormalizationSums: Kernel {
  /// See `Kernel.name`.
  public let name = "portable batch norm gradient"
  private let operands: NormalizationGradientOperands
  private let toShift: Region
  private let toScale: Region
  private let parts: PixelParts
  private let cursors: (RowCursor, RowCursor)

  /// - Parameters:
  ///   - toShift: `PlanePartReduction.elementCount` numbers.
  ///   - toScale: as many.
  public init(_ operands: NormalizationGradientOperands, toShift: Region, toScale: Region) {
    self.operands = operands
    self.toShift = toShift
    self.toScale = toScale
    parts = PixelParts(operands.image)
    cursors = (RowCursor(operands.image), RowCursor(operands.gradient))
  }

  /// See `Kernel.chunkCount`.
  public var chunkCount: Int { operands.image.planes.count * parts.count }

  /// Adds up a part of a plane.
  public func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let channels = operands.image.channels
    let mean = operands.statistics.mean(plane, of: channels, in: memory)
    let inverse = operands.statistics.inverseDeviation(plane, of: channels, in: memory)
    let image = UnsafePointer(memory[operands.imageBase] + operands.image.planes[plane])
    let gradient = UnsafePointer(memory[operands.gradientBase] + operands.gradient.planes[plane])
    var sum = BlockedTotal<LaneSum>()
    var product = BlockedTotal<LaneSum>()
    parts.forEachRun(of: part) { row, column, count in
      let x = image + cursors.0.offset(ofRow: row) + column * PlaneLayout.lanes
      let g = gradient + cursors.1.offset(ofRow: row) + column * PlaneLayout.lanes
      sum.add(g, count: count)
      product.add(count: count) {
        (g + $0 * PlaneLayout.lanes).lanes * ((x + $0 * PlaneLayout.lanes).lanes - mean)
      }
    }
    let (sums, products) = (sum.finish(), product.finish())
    let shift = memory[toShift] + chunk * PlaneLayout.lanes
    let scale = memory[toScale] + chunk * PlaneLayout.lanes
    for lane in 0..<PlaneLayout.lanes {
      shift[lane] = Float(sums[lane])
      scale[lane] = Float(products[lane] * Double(inverse[lane]))
    }
  }
}

/// The gradient of a batch normalisation's image: scale ∕ √(variance + ε) · (g − Σg∕n − x̂·Σgx̂∕n).
public struct PlaneNormalizationGradient: Kernel {
  /// See `Kernel.name`.
  public let name = "portable batch norm gradient"
  private let operands: NormalizationGradientOperands
  private let toShift: Region
  private let toScale: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let parts: PixelParts
  private let cursors: (image: RowCursor, gradient: RowCursor, output: RowCursor)

  /// - Parameters:
  ///   - toShift: Σg, one number a channel.
  ///   - toScale: Σgx̂, one number a channel.
  ///   - output: planes of the image's extents, counted from `outputBase`.
  public init(
    _ operands: NormalizationGradientOperands, toShift: Region, toScale: Region,
    to output: PlaneLayout, outputBase: Region
  ) {
    self.operands = operands
    self.toShift = toShift
    self.toScale = toScale
    self.output = output
    self.outputBase = outputBase
    parts = PixelParts(operands.image)
    cursors = (
      RowCursor(operands.image), RowCursor(operands.gradient), RowCursor(output)
    )
  }

  /// See `Kernel.chunkCount`.
  public var chunkCount: Int { operands.image.planes.count * parts.count }

  /// Makes the gradient of a part of a plane.
  public func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let channels = operands.image.channels
    func channelVector(_ region: Region) -> Lanes {
      ChannelVector(region: region, channels: channels).lanes(ofPlane: plane, in: memory)
    }
    let mean = operands.statistics.mean(plane, of: channels, in: memory)
    let inverse = operands.statistics.inverseDeviation(plane, of: channels, in: memory)
    let factor = operands.statistics.scale(plane, of: channels, in: memory) * inverse
    let inverseCount = 1 / Float(operands.image.batch * operands.image.extents.volume)
    let meanGradient = channelVector(toShift) * inverseCount
    let slope = channelVector(toScale) * inverseCount * inverse
    let image = UnsafePointer(memory[operands.imageBase] + operands.image.planes[plane])
    let gradient = UnsafePointer(memory[operands.gradientBase] + operands.gradient.planes[plane])
    let target = memory[outputBase] + output.planes[plane]
    parts.forEachRun(of: part) { row, column, count in
      let x = image + cursors.image.offset(ofRow: row) + column * PlaneLayout.lanes
      let g = gradient + cursors.gradient.offset(ofRow: row) + column * PlaneLayout.lanes
      let to = target + cursors.output.offset(ofRow: row) + column * PlaneLayout.lanes
      for pixel in 0..<count {
        let position = pixel * PlaneLayout.lanes
        let through = ((x + position).lanes - mean) * slope + meanGradient
        (to + position).lanes = ((g + position).lanes - through) * factor
      }
    }
  }
}
