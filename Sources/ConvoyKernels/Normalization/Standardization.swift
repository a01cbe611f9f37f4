package import ConvoyTensors

/// (x − mean) ∕ √(variance + ε) over the channels of each pixel, in planes.
///
/// A pixel's numbers are read three times: for the mean, for the differences from it, and for the
/// results. They are in cache after the first time. Several pixels are read together.
package struct PixelStandardization: Kernel {
  /// See `Kernel.name`.
  package let name = "portable standardization"
  private let epsilon: Float
  private let image: PlaneLayout
  private let base: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let masks: [LaneMask]
  private let parts: PixelParts
  private let cursors: (RowCursor, RowCursor)

  /// - Parameters:
  ///   - image: planes in any order, with offsets from `base`.
  ///   - output: planes in the same order, with offsets from `outputBase`.
  package init(
    epsilon: Float, _ image: PlaneLayout, base: Region, to output: PlaneLayout, outputBase: Region
  ) {
    self.epsilon = epsilon
    self.image = image
    self.base = base
    self.output = output
    self.outputBase = outputBase
    masks = LaneMask.masks(of: image.order)
    parts = PixelParts(
      image, cost: image.planes.count * PlaneLayout.lanes, joiningRowsOf: [image, output])
    cursors = (RowCursor(image), RowCursor(output))
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { parts.count }

  /// Pixels that are read together, plane by plane: a plane's are neighbours in memory.
  private static let blockSize = 16

  /// See `Kernel.scratchCount`.
  package var scratchCount: Int { (2 * PlaneLayout.lanes + 3) * Self.blockSize }

  /// Standardises some pixels over all their channels.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let lanes = PlaneLayout.lanes
    parts.forEachRun(of: chunk) { row, column, count in
      let source = UnsafePointer(memory[base] + cursors.0.offset(ofRow: row))
      let target = memory[outputBase] + cursors.1.offset(ofRow: row)
      for pixel in stride(from: column, to: column + count, by: Self.blockSize) {
        standardize(
          source + pixel * lanes, to: target + pixel * lanes,
          count: min(Self.blockSize, column + count - pixel), scratch)
      }
    }
  }

  /// Standardises a block of pixels; lanes without a channel are read as zeros.
  private func standardize(
    _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let lanes = PlaneLayout.lanes
    let (sums, squares) = (scratch, scratch + Self.blockSize * lanes)
    let means = squares + Self.blockSize * lanes
    let (factors, offsets) = (means + Self.blockSize, means + 2 * Self.blockSize)
    sums.update(repeating: 0, count: count * lanes)
    for (plane, mask) in zip(image.planes, masks) {
      for pixel in 0..<count {
        let place = sums + pixel * lanes
        place.lanes = place.lanes + mask((source + plane + pixel * lanes).lanes)
      }
    }
    for pixel in 0..<count {
      means[pixel] = Float((sums + pixel * lanes).lanes.total / Double(image.channels))
    }
    sums.update(repeating: 0, count: 2 * Self.blockSize * lanes)
    for (plane, mask) in zip(image.planes, masks) {
      for pixel in 0..<count {
        let distance = mask((source + plane + pixel * lanes).lanes - means[pixel])
        let (sum, square) = (sums + pixel * lanes, squares + pixel * lanes)
        sum.lanes = sum.lanes + distance
        square.lanes = square.lanes + distance * distance
      }
    }
    for pixel in 0..<count {
      let moments = Moments(
        mean: means[pixel], distances: (sums + pixel * lanes).lanes.total,
        squares: (squares + pixel * lanes).lanes.total, count: image.channels, epsilon: epsilon)
      factors[pixel] = moments.factor
      offsets[pixel] = moments.offset
    }
    for (from, to) in zip(image.planes, output.planes) {
      for pixel in 0..<count {
        let x = (source + from + pixel * lanes).lanes
        (target + to + pixel * lanes).lanes = (x - means[pixel]) * factors[pixel] + offsets[pixel]
      }
    }
  }
}

/// The factors of standardisation: (x − mean) · factor + offset.
///
/// The mean is rounded. The sum of the differences from the rounded mean gives the rounding error,
/// which corrects both the mean and the variance. Source: T. Chan, G. Golub and R. LeVeque,
/// "Algorithms for Computing the Sample Variance", 1983: the corrected two-pass algorithm.
private struct Moments {
  let mean: Float
  let factor: Float
  let offset: Float

  /// - Parameters:
  ///   - distances: the sum of the differences from the rounded mean.
  ///   - squares: the sum of their squares.
  init(mean: Float, distances: Double, squares: Double, count: Int, epsilon: Float) {
    let correction = distances / Double(count)
    let variance = max(squares / Double(count) - correction * correction, 0)
    let factor = 1 / (variance + Double(epsilon)).squareRoot()
    self.mean = mean
    self.factor = Float(factor)
    offset = Float(-correction * factor)
  }
}

/// The lanes of a plane that have a channel.
private struct LaneMask: Sendable {
  private let channels: SIMD16<Int32>
  private let isFull: Bool

  /// The masks of an order's planes.
  static func masks(of order: ChannelOrder) -> [LaneMask] {
    let channels = order.channelsByLane
    return (0..<order.planeCount).map { plane in
      LaneMask(channels[plane * PlaneLayout.lanes..<(plane + 1) * PlaneLayout.lanes])
    }
  }

  private init(_ lanes: ArraySlice<Int?>) {
    channels = SIMD16(lanes.map { $0 == nil ? 0 : 1 })
    isFull = lanes.allSatisfy { $0 != nil }
  }

  /// The numbers, with zeros in lanes without a channel.
  @inline(__always)
  func callAsFunction(_ lanes: Lanes) -> Lanes {
    isFull ? lanes : Lanes.zero.replacing(with: lanes, where: channels .> 0)
  }
}

extension SIMD16<Float> {
  /// The sum of all lanes in Double, in a fixed order.
  @inline(__always)
  fileprivate var total: Double {
    let halves = SIMD8<Double>(lowHalf) + SIMD8<Double>(highHalf)
    let quarters = halves.lowHalf + halves.highHalf
    return (quarters[0] + quarters[1]) + (quarters[2] + quarters[3])
  }
}

/// (x − mean) ∕ √(variance + ε) over any dimensions of a row-major tensor.
///
/// If the last dimension is one of these, the elements of a group are contiguous, and are processed
/// 16 at a time. Otherwise neighbouring groups are contiguous, and 16 groups are processed at once.
package struct DenseStandardization: Kernel {
  /// See `Kernel.name`.
  package let name = "portable standardization"
  private let epsilon: Float
  private let source: Region
  private let target: Region
  /// The groups: one for each position of the dimensions that are not reduced.
  private let groups: StridedWalk
  /// The elements of a group.
  private let elements: StridedWalk
  private let count: Int
  private let blocksPerRow: Int
  private let chunks: Chunks

  /// - Parameters:
  ///   - dimensions: the dimensions of mean and variance.
  ///   - target: a tensor of the same shape.
  package init(
    _ shape: Shape, over dimensions: [Int], epsilon: Float, from source: Region, to target: Region
  ) {
    self.epsilon = epsilon
    self.source = source
    self.target = target
    let strides = shape.strides
    func walk(_ chosen: [Int]) -> StridedWalk {
      StridedWalk(chosen.map { shape[$0] }, [chosen.map { strides[$0] }])
    }
    groups = walk((0..<shape.rank).filter { !dimensions.contains($0) })
    elements = walk(dimensions)
    count = elements.rows * elements.columns
    let width = elements.columnSteps[0] <= 1 ? 1 : PlaneLayout.lanes
    blocksPerRow = (groups.columns + width - 1) / width
    chunks = Chunks(items: groups.rows * blocksPerRow, cost: count * width)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Standardises some groups.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let isAlong = elements.columnSteps[0] <= 1
    for item in chunks[chunk] {
      let (row, block) = item.quotientAndRemainder(dividingBy: blocksPerRow)
      let first = isAlong ? block : block * PlaneLayout.lanes
      let start = groups.offset(ofRow: row, operand: 0) + first * groups.columnSteps[0]
      let (x, y) = (UnsafePointer(memory[source]) + start, memory[target] + start)
      if isAlong {
        standardizeAlong(x, to: y)
      } else {
        standardizeAcross(x, to: y, width: min(PlaneLayout.lanes, groups.columns - first))
      }
    }
  }

  /// One group, whose elements are contiguous in each row.
  private func standardizeAlong(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>
  ) {
    let lanes = PlaneLayout.lanes
    let vectors = (elements.columns + lanes - 1) / lanes
    func width(_ vector: Int) -> Int { min(lanes, elements.columns - vector * lanes) }
    var sum = BlockedTotal<LaneSum>()
    forEachRow { offset in
      sum.add(count: vectors) { (x + offset + $0 * lanes).lanes(first: width($0)) }
    }
    let mean = Float(sum.finish().reduced(by: LaneSum.self) / Double(count))
    var (distances, squares) = (BlockedTotal<LaneSum>(), BlockedTotal<LaneSum>())
    func distance(_ offset: Int, _ vector: Int) -> Lanes {
      (x + offset + vector * lanes).lanes(first: width(vector), else: mean) - mean
    }
    forEachRow { offset in
      distances.add(count: vectors) { distance(offset, $0) }
      squares.add(count: vectors) { distance(offset, $0) * distance(offset, $0) }
    }
    let moments = Moments(
      mean: mean, distances: distances.finish().reduced(by: LaneSum.self),
      squares: squares.finish().reduced(by: LaneSum.self), count: count, epsilon: epsilon)
    forEachRow { offset in
      for column in offset..<offset + elements.columns {
        y[column] = (x[column] - mean) * moments.factor + moments.offset
      }
    }
  }

  /// Up to 16 groups whose elements are adjacent.
  private func standardizeAcross(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, width: Int
  ) {
    let step = elements.columnSteps[0]
    var sum = BlockedTotal<LaneSum>()
    forEachRow { offset in
      sum.add(count: elements.columns) { (x + offset + $0 * step).lanes(first: width) }
    }
    let sums = sum.finish()
    var mean = Lanes.zero
    for lane in 0..<width { mean[lane] = Float(sums[lane] / Double(count)) }
    func distance(_ position: Int) -> Lanes { (x + position).lanes(first: width) - mean }
    var (distances, squares) = (BlockedTotal<LaneSum>(), BlockedTotal<LaneSum>())
    forEachRow { offset in
      distances.add(count: elements.columns) { distance(offset + $0 * step) }
      squares.add(count: elements.columns) {
        let distance = distance(offset + $0 * step)
        return distance * distance
      }
    }
    let (distanceSums, squareSums) = (distances.finish(), squares.finish())
    var (factor, shift) = (Lanes.zero, Lanes.zero)
    for lane in 0..<width {
      let moments = Moments(
        mean: mean[lane], distances: distanceSums[lane], squares: squareSums[lane], count: count,
        epsilon: epsilon)
      (factor[lane], shift[lane]) = (moments.factor, moments.offset)
    }
    forEachRow { offset in
      for column in 0..<elements.columns {
        let position = offset + column * step
        (y + position).store(distance(position) * factor + shift, first: width)
      }
    }
  }

  /// Calls a closure with the offset of each row of a group's elements.
  @inline(__always)
  private func forEachRow(_ body: (_ offset: Int) -> Void) {
    for row in 0..<elements.rows { body(elements.offset(ofRow: row, operand: 0)) }
  }
}
