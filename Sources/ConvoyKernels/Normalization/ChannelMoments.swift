public import ConvoyTensors

/// The mean and variance of each channel over the whole batch; first half: of each part of its pixels.
///
/// Each part is read twice, for its mean and for the squares of the distances from it; the second time it
/// is still in cache.
public struct PlanePartMoments: Kernel {
  /// See `Kernel.name`.
  public let name = "portable moments"
  private let planes: PlaneLayout
  private let base: Region
  private let target: Region
  private let parts: PixelParts
  private let cursor: RowCursor

  /// - Parameters:
  ///   - planes: counted from `base`.
  ///   - target: `PlanePartMoments.elementCount` numbers: for each plane and part sixteen means and
  ///     sixteen sums of squares.
  public init(_ planes: PlaneLayout, base: Region, to target: Region) {
    self.planes = planes
    self.base = base
    self.target = target
    parts = PixelParts(planes)
    cursor = RowCursor(planes)
  }

  /// Floats in which the parts' moments are kept.
  public static func elementCount(_ planes: PlaneLayout) -> Int {
    planes.planes.count * PixelParts(planes).count * 2 * PlaneLayout.lanes
  }

  /// See `Kernel.chunkCount`.
  public var chunkCount: Int { planes.planes.count * parts.count }

  /// Makes the moments of one part of a plane.
  public func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let start = UnsafePointer(memory[base] + planes.planes[plane])
    let means = memory[target] + chunk * 2 * PlaneLayout.lanes
    let squares = means + PlaneLayout.lanes

    var sum = BlockedTotal<LaneSum>()
    parts.forEachRun(of: part) { row, column, count in
      sum.add(start + cursor.offset(ofRow: row) + column * PlaneLayout.lanes, count: count)
    }
    let sums = sum.finish()
    let count = Double(parts.pixelCount(of: part))
    for lane in 0..<PlaneLayout.lanes { means[lane] = Float(sums[lane] / count) }

    let mean = means.lanes
    var square = BlockedTotal<LaneSum>()
    parts.forEachRun(of: part) { row, column, count in
      let run = start + cursor.offset(ofRow: row) + column * PlaneLayout.lanes
      square.add(count: count) { pixel in
        let distance = (run + pixel * PlaneLayout.lanes).lanes - mean
        return distance * distance
      }
    }
    let totals = square.finish()
    for lane in 0..<PlaneLayout.lanes { squares[lane] = Float(totals[lane]) }
  }
}

/// The mean and variance of each channel over the whole batch; second half: of the parts.
///
/// Source: T. Chan, G. Golub and R. LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
/// Sample Variances", 1979.
public struct ChannelMoments: Kernel {
  /// See `Kernel.name`.
  public let name = "portable moments"
  private let channels: Int
  private let parts: PixelParts
  private let source: Region
  private let mean: Region
  private let variance: Region

  /// - Parameters:
  ///   - planes: those whose parts' moments were made.
  ///   - source: where `PlanePartMoments` put them.
  ///   - mean: a number for each channel.
  ///   - variance: a number for each channel: the mean square distance from the mean.
  public init(of planes: PlaneLayout, from source: Region, mean: Region, variance: Region) {
    channels = planes.channels
    parts = PixelParts(planes)
    self.source = source
    self.mean = mean
    self.variance = variance
  }

  /// See `Kernel.chunkCount`.
  public var chunkCount: Int { 1 }

  /// Combines all parts.
  public func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let count = Double((0..<parts.count).reduce(0) { $0 + parts.pixelCount(of: $1) })
    for channel in 0..<channels {
      let (plane, lane) = channel.quotientAndRemainder(dividingBy: PlaneLayout.lanes)
      func moments(_ part: Int) -> (mean: Double, squares: Double, count: Double) {
        let start =
          memory[source] + (plane * parts.count + part) * 2 * PlaneLayout.lanes + lane
        return (
          Double(start[0]), Double(start[PlaneLayout.lanes]), Double(parts.pixelCount(of: part))
        )
      }
      var (sum, squares) = (0.0, 0.0)
      for part in 0..<parts.count { sum += moments(part).mean * moments(part).count }
      let mean = sum / count
      for part in 0..<parts.count {
        let moments = moments(part)
        let distance = moments.mean - mean
        squares += moments.squares + distance * distance * moments.count
      }
      memory[self.mean][channel] = Float(mean)
      memory[variance][channel] = Float(squares / count)
    }
  }
}
