public import ConvoyTensors

/// Where the numbers of a batch normalisation are: one a channel each, row-major.
public struct ChannelStatistics: Sendable {
  let scale: Region
  let mean: Region
  let variance: Region
  let epsilon: Float

  /// Names the places.
  ///
  /// - Parameter epsilon: what is added to the variance.
  public init(scale: Region, mean: Region, variance: Region, epsilon: Float) {
    self.scale = scale
    self.mean = mean
    self.variance = variance
    self.epsilon = epsilon
  }

  @inline(__always)
  func mean(_ plane: Int, of channels: Int, in memory: Memory) -> Lanes {
    ChannelVector(region: mean, channels: channels).lanes(ofPlane: plane, in: memory)
  }

  @inline(__always)
  func scale(_ plane: Int, of channels: Int, in memory: Memory) -> Lanes {
    ChannelVector(region: scale, channels: channels).lanes(ofPlane: plane, in: memory)
  }

  /// 1 ∕ √(variance + ε)
  @inline(__always)
  func inverseDeviation(_ plane: Int, of channels: Int, in memory: Memory) -> Lanes {
    let variance = ChannelVector(region: variance, channels: channels)
    return 1 / (variance.lanes(ofPlane: plane, in: memory) + epsilon).squareRoot()
  }
}

/// Batch normalisation by given statistics: (x − mean) ∕ √(variance + ε) · scale + shift.
///
/// The mean is subtracted first rather than folded into the shift, which would lose digits where it is
/// large beside the deviation.
public struct PlaneNormalization: Kernel {
  /// See `Kernel.name`.
  public let name = "portable batch norm"
  private let statistics: ChannelStatistics
  private let shift: Region
  private let image: PlaneLayout
  private let base: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let parts: PixelParts
  private let cursors: (RowCursor, RowCursor)

  /// - Parameters:
  ///   - shift: one number a channel.
  ///   - image: planes counted from `base`.
  ///   - output: planes of the image's extents, counted from `outputBase`.
  public init(
    _ statistics: ChannelStatistics, shift: Region, _ image: PlaneLayout, base: Region,
    to output: PlaneLayout, outputBase: Region
  ) {
    self.statistics = statistics
    self.shift = shift
    self.image = image
    self.base = base
    self.output = output
    self.outputBase = outputBase
    parts = PixelParts(image)
    cursors = (RowCursor(image), RowCursor(output))
  }

  /// See `Kernel.chunkCount`.
  public var chunkCount: Int { image.planes.count * parts.count }

  /// Normalises a part of a plane.
  public func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let channels = image.channels
    let mean = statistics.mean(plane, of: channels, in: memory)
    let factor =
      statistics.scale(plane, of: channels, in: memory)
      * statistics.inverseDeviation(plane, of: channels, in: memory)
    let shift = ChannelVector(region: shift, channels: channels).lanes(ofPlane: plane, in: memory)
    let source = UnsafePointer(memory[base] + image.planes[plane])
    let target = memory[outputBase] + output.planes[plane]
    parts.forEachRun(of: part) { row, column, count in
      let from = source + cursors.0.offset(ofRow: row) + column * PlaneLayout.lanes
      let to = target + cursors.1.offset(ofRow: row) + column * PlaneLayout.lanes
      for pixel in 0..<count {
        (to + pixel * PlaneLayout.lanes).lanes =
          ((from + pixel * PlaneLayout.lanes).lanes - mean) * factor + shift
      }
    }
  }
}
