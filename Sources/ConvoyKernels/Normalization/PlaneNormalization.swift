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
  func mean(_ plane: Int, of channels: ChannelVectors, in memory: Memory) -> Lanes {
    channels.lanes(mean, ofPlane: plane, in: memory)
  }

  @inline(__always)
  func scale(_ plane: Int, of channels: ChannelVectors, in memory: Memory) -> Lanes {
    channels.lanes(scale, ofPlane: plane, in: memory)
  }

  /// 1 ∕ √(variance + ε)
  @inline(__always)
  func inverseDeviation(_ plane: Int, of channels: ChannelVectors, in memory: Memory) -> Lanes {
    1 / (channels.lanes(variance, ofPlane: plane, in: memory) + epsilon).squareRoot()
  }
}

/// Batch normalisation by given statistics: (x − mean) ∕ √(variance + ε) · scale + shift.
///
/// The mean is subtracted first rather than folded into the shift, which would lose digits where it is
/// large beside the deviation.
public struct NormalizationProblem: Hashable, Sendable {
  /// The image's planes.
  public var image: PlaneLayout
  /// The planes of the results, of the image's extents and batch.
  public var output: PlaneLayout
  /// What is applied to each result.
  public var tail: Tail

  /// Describes the work.
  public init(_ image: PlaneLayout, to output: PlaneLayout, tail: Tail = Tail()) {
    self.image = image
    self.output = output
    self.tail = tail
  }
}

/// Where the numbers of a batch normalisation are.
public struct NormalizationOperands: Sendable {
  let statistics: ChannelStatistics
  let shift: Region
  let image: Region
  let output: Region

  /// Names the places.
  ///
  /// - Parameters:
  ///   - shift: one number a channel.
  ///   - image: what the image's planes count from.
  ///   - output: what the results' planes count from.
  public init(_ statistics: ChannelStatistics, shift: Region, image: Region, output: Region) {
    self.statistics = statistics
    self.shift = shift
    self.image = image
    self.output = output
  }

  /// For the channels of a plane: the mean, what the difference from it is multiplied with, and the shift.
  @inline(__always)
  func vectors(
    ofPlane plane: Int, of channels: ChannelVectors, in memory: Memory
  ) -> (Lanes, Lanes, Lanes) {
    let factor =
      statistics.scale(plane, of: channels, in: memory)
      * statistics.inverseDeviation(plane, of: channels, in: memory)
    return (
      statistics.mean(plane, of: channels, in: memory), factor,
      channels.lanes(shift, ofPlane: plane, in: memory)
    )
  }
}

/// Batch normalisation in plain Swift.
struct PortableNormalization: Kernel {
  let name = "portable batch norm"
  private let problem: NormalizationProblem
  private let operands: NormalizationOperands
  private let parts: PixelParts
  private let cursors: (RowCursor, RowCursor)
  private let channels: ChannelVectors

  init(_ problem: NormalizationProblem, _ operands: NormalizationOperands) {
    channels = ChannelVectors(problem.image)
    self.problem = problem
    self.operands = operands
    parts = PixelParts(problem.image, joiningRowsOf: [problem.image, problem.output])
    cursors = (RowCursor(problem.image), RowCursor(problem.output))
  }

  var chunkCount: Int { problem.image.planes.count * parts.count }

  /// Normalises a part of a plane.
  func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let (mean, factor, shift) = operands.vectors(
      ofPlane: plane, of: channels, in: memory)
    let source = UnsafePointer(memory[operands.image] + problem.image.planes[plane])
    let target = memory[operands.output] + problem.output.planes[plane]
    parts.forEachRun(of: part) { row, column, count in
      let from = source + cursors.0.offset(ofRow: row) + column * PlaneLayout.lanes
      let to = target + cursors.1.offset(ofRow: row) + column * PlaneLayout.lanes
      for pixel in 0..<count {
        (to + pixel * PlaneLayout.lanes).lanes =
          ((from + pixel * PlaneLayout.lanes).lanes - mean) * factor + shift
      }
      guard problem.tail.function != nil else { return }
      for pixel in 0..<count {
        let x = to + pixel * PlaneLayout.lanes
        x.lanes = problem.tail(x.lanes)
      }
    }
  }
}
