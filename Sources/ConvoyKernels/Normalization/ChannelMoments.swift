package import ConvoyTensors

/// The mean and variance of each channel over the whole batch, first step: those of each part of
/// its pixels.
///
/// Each block of a part is read twice, for its mean and for the squares of the differences from it;
/// the second time it is still in cache.
/// time it is still in cache.
package struct PlanePartMoments: Kernel {
  /// See `Kernel.name`.
  package let name = "portable moments"
  private let planes: PlaneLayout
  private let base: Region
  private let target: Region
  private let parts: PixelParts
  private let cursor: RowCursor

  /// - Parameters:
  ///   - planes: planes with offsets from `base`.
  ///   - target: `PlanePartMoments.elementCount` numbers: for each plane and part, sixteen means
  ///     and sixteen sums of squares.
  package init(_ planes: PlaneLayout, base: Region, to target: Region) {
    self.planes = planes
    self.base = base
    self.target = target
    parts = PixelParts(planes, joiningRowsOf: [planes])
    cursor = RowCursor(planes)
  }

  /// The floats of the parts' moments.
  package static func elementCount(_ planes: PlaneLayout) -> Int {
    planes.planes.count * PixelParts(planes).count * 2 * PlaneLayout.lanes
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { planes.planes.count * parts.count }

  /// Computes the moments of one part of a plane.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let start = UnsafePointer(memory[base] + planes.planes[plane])
    let means = memory[target] + chunk * 2 * PlaneLayout.lanes
    let squares = means + PlaneLayout.lanes

    var moments = LaneMoments()
    parts.forEachRun(of: part) { row, column, count in
      let run = start + cursor.offset(ofRow: row) + column * PlaneLayout.lanes
      for first in stride(from: 0, to: count, by: LaneMoments.mostPixels) {
        moments.add(
          run + first * PlaneLayout.lanes, count: min(LaneMoments.mostPixels, count - first))
      }
    }
    for lane in 0..<PlaneLayout.lanes {
      means[lane] = Float(moments.mean[lane])
      squares[lane] = Float(moments.squares[lane])
    }
  }
}

/// The moments of the pixels added so far, lane by lane; each block of pixels is merged with those
/// before it.
private struct LaneMoments {
  /// Pixels that stay in the first-level cache while they are read a second time.
  static let mostPixels = 128

  private var count = 0.0
  private(set) var mean = SIMD16<Double>.zero
  /// Sums of the squares of the differences from the mean.
  private(set) var squares = SIMD16<Double>.zero

  /// Adds adjacent pixels.
  mutating func add(_ start: UnsafePointer<Float>, count: Int) {
    var (even, odd) = (Lanes.zero, Lanes.zero)
    for pixel in stride(from: 0, to: count - 1, by: 2) {
      even += (start + pixel * PlaneLayout.lanes).lanes
      odd += (start + (pixel + 1) * PlaneLayout.lanes).lanes
    }
    if count % 2 != 0 { even += (start + (count - 1) * PlaneLayout.lanes).lanes }
    let mean = (even + odd) * (1 / Float(count))
    (even, odd) = (.zero, .zero)
    for pixel in stride(from: 0, to: count - 1, by: 2) {
      let a = (start + pixel * PlaneLayout.lanes).lanes - mean
      let b = (start + (pixel + 1) * PlaneLayout.lanes).lanes - mean
      even += a * a
      odd += b * b
    }
    if count % 2 != 0 {
      let a = (start + (count - 1) * PlaneLayout.lanes).lanes - mean
      even += a * a
    }
    join(SIMD16<Double>(mean), SIMD16<Double>(even + odd), Double(count))
  }

  /// See `ChannelMoments` for the source.
  private mutating func join(
    _ mean: SIMD16<Double>, _ squares: SIMD16<Double>, _ count: Double
  ) {
    let sum = self.count + count
    let distance = mean - self.mean
    self.mean += distance * (count / sum)
    self.squares += squares + distance * distance * (self.count * count / sum)
    self.count = sum
  }
}

/// The mean and variance of each channel over the whole batch, second step: the parts are combined.
///
/// Source: T. Chan, G. Golub and R. LeVeque, "Updating Formulae and a Pairwise Algorithm for
/// Computing Sample Variances", 1979.
package struct ChannelMoments: Kernel {
  /// See `Kernel.name`.
  package let name = "portable moments"
  private let places: [PlaneLayout.Position]
  private let parts: PixelParts
  private let source: Region
  private let mean: Region
  private let variance: Region

  /// - Parameters:
  ///   - planes: the planes of `PlanePartMoments`.
  ///   - source: the target of `PlanePartMoments`.
  ///   - mean: a number for each channel.
  ///   - variance: a number for each channel: the mean of the squared differences from the mean.
  package init(of planes: PlaneLayout, from source: Region, mean: Region, variance: Region) {
    places = planes.map
    parts = PixelParts(planes)
    self.source = source
    self.mean = mean
    self.variance = variance
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { 1 }

  /// Combines all parts.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let count = Double((0..<parts.count).reduce(0) { $0 + parts.pixelCount(of: $1) })
    for (channel, place) in places.enumerated() {
      func moments(_ part: Int) -> (mean: Double, squares: Double, count: Double) {
        let start =
          memory[source] + (place.plane * parts.count + part) * 2 * PlaneLayout.lanes + place.lane
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
