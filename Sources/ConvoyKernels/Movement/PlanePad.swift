package import ConvoyTensors

/// Copies images in planes into larger ones, and pads them with a number.
package struct PlanePad: Kernel {
  /// See `Kernel.name`.
  package let name = "pad"
  private let value: Float
  private let before: Extents
  private let input: PlaneLayout
  private let base: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let cursor: RowCursor
  private let chunks: Chunks

  /// - Parameters:
  ///   - value: the number.
  ///   - before: the padding before the image, in pixels.
  ///   - input: planes in the identity order, with offsets from `base`.
  ///   - output: planes in the identity order, with offsets from `outputBase`.
  package init(
    _ value: Float, before: Extents, _ input: PlaneLayout, base: Region, to output: PlaneLayout,
    outputBase: Region
  ) {
    self.value = value
    self.before = before
    self.input = input
    self.base = base
    self.output = output
    self.outputBase = outputBase
    cursor = RowCursor(output)
    chunks = Chunks(
      items: output.planes.count * cursor.rows, cost: output.extents[2] * PlaneLayout.lanes)
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { chunks.count }

  /// Writes some rows.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let lanes = PlaneLayout.lanes
    let (rowsPerImage, rowsPerSlice) = (output.extents[0] * output.extents[1], output.extents[1])
    for item in chunks[chunk] {
      let (plane, row) = item.quotientAndRemainder(dividingBy: cursor.rows)
      let (image, inImage) = row.quotientAndRemainder(dividingBy: rowsPerImage)
      let z = inImage / rowsPerSlice - before[0]
      let y = inImage % rowsPerSlice - before[1]
      let target = memory[outputBase] + output.planes[plane] + cursor.offset(ofRow: row)
      let isInside =
        (0..<input.extents[0]).contains(z) && (0..<input.extents[1]).contains(y)
      let left = isInside ? before[2] : output.extents[2]
      target.update(repeating: value, count: left * lanes)
      guard isInside else { continue }
      let source =
        memory[base] + input.planes[plane] + image * input.imageStride
        + input.offset(Extents(z, y, 0))
      let right = output.extents[2] - left - input.extents[2]
      (target + left * lanes).update(from: source, count: input.extents[2] * lanes)
      (target + (left + input.extents[2]) * lanes).update(repeating: value, count: right * lanes)
    }
  }
}
