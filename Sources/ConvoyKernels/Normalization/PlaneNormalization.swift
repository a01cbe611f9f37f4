package import ConvoyTensors

/// The regions of a batch normalisation's statistics: row-major, one number for each channel.
package struct ChannelStatistics: Sendable {
  let scale: Region
  let mean: Region
  let variance: Region
  let epsilon: Float

  /// Statistics at given regions.
  ///
  /// - Parameter epsilon: the constant that is added to the variance.
  package init(scale: Region, mean: Region, variance: Region, epsilon: Float) {
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
/// The mean is subtracted first. Folding it into the shift would lose digits where the mean is
/// large compared with the standard deviation.
package struct NormalizationProblem: Hashable, Sendable {
  /// The image's planes.
  package var image: PlaneLayout
  /// The output's planes, of the image's extents and batch.
  package var output: PlaneLayout
  /// The epilogue: the function that is applied to each result.
  package var epilogue: ScalarFunction?

  /// A batch normalisation of planes.
  package init(_ image: PlaneLayout, to output: PlaneLayout, epilogue: ScalarFunction? = nil) {
    self.image = image
    self.output = output
    self.epilogue = epilogue
  }
}

/// The regions of a batch normalisation's operands.
package struct NormalizationOperands: Sendable {
  let statistics: ChannelStatistics
  let shift: Region
  let image: PlanePlaces
  let output: PlanePlaces

  /// Operands at given regions.
  ///
  /// - Parameter shift: one number for each channel.
  package init(
    _ statistics: ChannelStatistics, shift: Region, image: PlanePlaces, output: PlanePlaces
  ) {
    self.statistics = statistics
    self.shift = shift
    self.image = image
    self.output = output
  }

  /// For the channels of a plane: the mean, the factor of the difference from it, and the shift.
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
struct PortableNormalization: DirectMethod {
  typealias Problem = NormalizationProblem
  typealias Operands = NormalizationOperands

  static let title = "portable batch norm"
  let name = title
  private let problem: NormalizationProblem
  private let parts: PixelParts
  private let imageCursor: RowCursor
  private let outputCursor: RowCursor
  private let channels: ChannelVectors
  private let epilogue: LaneFunction

  /// Plans any problem.
  init(_ problem: NormalizationProblem, _ settings: KernelSettings) {
    epilogue = LaneFunction(problem.epilogue)
    channels = ChannelVectors(problem.image)
    self.problem = problem
    parts = PixelParts(problem.image, joiningRowsOf: [problem.image, problem.output])
    imageCursor = RowCursor(problem.image)
    outputCursor = RowCursor(problem.output)
  }

  var chunkCount: Int { problem.image.planes.count * parts.count }

  /// Normalises a part of a plane.
  func run(
    chunk: Int, at operands: NormalizationOperands, in memory: Memory,
    scratch: UnsafeMutablePointer<Float>
  ) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let (mean, factor, shift) = operands.vectors(
      ofPlane: plane, of: channels, in: memory)
    let source = UnsafePointer(operands.image.start(of: plane, in: memory))
    let target = operands.output.start(of: plane, in: memory)
    parts.forEachRun(of: part) { row, column, count in
      let from = source + imageCursor.offset(ofRow: row) + column * PlaneLayout.lanes
      let to = target + outputCursor.offset(ofRow: row) + column * PlaneLayout.lanes
      for pixel in 0..<count {
        (to + pixel * PlaneLayout.lanes).lanes =
          ((from + pixel * PlaneLayout.lanes).lanes - mean) * factor + shift
      }
      epilogue.apply(to: to, count: count)
    }
  }
}
