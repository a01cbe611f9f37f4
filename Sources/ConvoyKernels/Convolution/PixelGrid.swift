import ConvoyTensors

/// The output pixels of a phase as rows of equally spaced columns, with the offsets at which each
/// reads and writes.
///
/// Rows are joined where they are contiguous in memory: a pointwise convolution without halo is a
/// single row of the pixels of all images, and 1×1 maps are a single row of images.
struct PixelGrid: Hashable, Sendable {
  let rows: Int
  let columns: Int
  /// Floats from a column to the next.
  let inputColumnStep: Int
  let outputColumnStep: Int

  /// Whether rows are joined: then there is a single row.
  let isJoined: Bool
  /// The number of consecutive rows with equal distances between neighbours.
  let rowsPerSlice: Int
  private let rowsPerImage: Int
  private let inputStart: Int
  private let inputSteps: Steps
  private let outputStart: Int
  private let outputSteps: Steps

  /// Floats from an image to the next, from a slice to the next, and from a row to the next.
  private struct Steps: Hashable, Sendable {
    var image: Int
    var slice: Int
    var row: Int
  }

  /// The grid of a phase's pixels.
  ///
  /// - Parameter joinsImages: whether rows may be joined across images.
  init(_ phase: Phase, input: PlaneLayout, output: PlaneLayout, joinsImages: Bool = true) {
    inputStart = input.offset(.zero)
    outputStart = output.offset(phase.start)
    inputSteps = Steps(
      image: input.imageStride, slice: phase.inputStep[0] * input.sliceStride,
      row: phase.inputStep[1] * input.rowStride)
    outputSteps = Steps(
      image: output.imageStride, slice: phase.outputStep[0] * output.sliceStride,
      row: phase.outputStep[1] * output.rowStride)
    let pixels = phase.count.volume
    // In row-major tensors, the images of a channel are separated by its other channels.
    let isDense =
      (input.batch == 1 || input.imageStride == pixels * input.pixelStride)
      && input.halo == .none && output.halo == .none && input.extents == output.extents
      && phase.count == output.extents && phase.taps.allSatisfy { $0.offset == .zero }
    isJoined = joinsImages && (pixels == 1 || isDense)
    if isJoined {
      rows = 1
      columns = input.batch * pixels
      inputColumnStep = pixels == 1 ? input.imageStride : input.pixelStride
      outputColumnStep = pixels == 1 ? output.imageStride : output.pixelStride
      rowsPerSlice = 1
      rowsPerImage = 1
    } else {
      rows = input.batch * phase.count[0] * phase.count[1]
      columns = phase.count[2]
      inputColumnStep = phase.inputStep[2] * input.pixelStride
      outputColumnStep = phase.outputStep[2] * output.pixelStride
      rowsPerSlice = phase.count[1]
      rowsPerImage = phase.count[0] * phase.count[1]
    }
  }

  /// Floats from a row to the one below it.
  var inputRowStep: Int { inputSteps.row }
  var outputRowStep: Int { outputSteps.row }

  /// The image that a row belongs to.
  func image(ofRow row: Int) -> Int { row / rowsPerImage }

  /// The rows of one image, from a row on, before another row.
  func rowsOfImage(from row: Int, before end: Int) -> Range<Int> {
    row..<min(end, (image(ofRow: row) + 1) * rowsPerImage)
  }

  /// Floats from a plane's beginning to the first pixel that a row reads, without a tap's distance.
  func inputOffset(ofRow row: Int) -> Int { inputStart + offset(row, inputSteps) }

  /// Floats from a plane's beginning to the first and the last pixel that a block reads, without a
  /// tap's distance.
  func inputOffsets(of block: PixelBlock) -> (first: Int, last: Int) {
    (
      inputOffset(ofRow: block.rows.lowerBound) + block.columns.lowerBound * inputColumnStep,
      inputOffset(ofRow: block.rows.upperBound - 1)
        + (block.columns.upperBound - 1) * inputColumnStep
    )
  }

  /// Floats from a plane's beginning to the first pixel that a row writes.
  func outputOffset(ofRow row: Int) -> Int { outputStart + offset(row, outputSteps) }

  private func offset(_ row: Int, _ steps: Steps) -> Int {
    let (image, inImage) = row.quotientAndRemainder(dividingBy: rowsPerImage)
    let (slice, inSlice) = inImage.quotientAndRemainder(dividingBy: rowsPerSlice)
    return image * steps.image + slice * steps.slice + inSlice * steps.row
  }
}
