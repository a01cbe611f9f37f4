/// Resizes one axis by weighted sums of neighbours.
///
/// The filter is a triangle as wide as two pixels of the coarser grid: linear interpolation when
/// enlarging, and when shrinking an average over all that falls into a pixel, so that fine detail
/// does not alias. The weights of a sum add up to 1; at the borders the outside is left out. These
/// are the conventions of Pillow's `BILINEAR` and torchvision's `antialias=True`.
struct Resampling {
  private let starts: [Int]
  private let weights: [[Float]]

  init(from oldExtent: Int, to newExtent: Int) {
    let scale = Double(oldExtent) / Double(newExtent)
    let support = max(scale, 1)
    var starts: [Int] = []
    var weights: [[Float]] = []
    for index in 0..<newExtent {
      let center = (Double(index) + 0.5) * scale
      let start = max(0, Int(center - support + 0.5))
      let end = min(oldExtent, Int(center + support + 0.5))
      let raw = (start..<end).map { pixel in
        let distance: Double = abs(Double(pixel) + 0.5 - center)
        return max(0, 1 - distance / support)
      }
      let sum = raw.reduce(0, +)
      starts.append(start)
      weights.append(raw.map { Float($0 / sum) })
    }
    self.starts = starts
    self.weights = weights
  }

  /// Resizes a picture of interleaved channels.
  ///
  /// - Parameters:
  ///   - row: writes a row of the picture, `width` times `channels` floats, into a buffer.
  /// - Returns: the new picture, row by row, its channels interleaved.
  /// - Complexity: O(*n*) in the sum of the old and the new number of pixels.
  static func resize(
    width: Int, height: Int, channels: Int, toWidth newWidth: Int, height newHeight: Int,
    row: (Int, UnsafeMutableBufferPointer<Float>) -> Void
  ) -> [Float] {
    let across = Resampling(from: width, to: newWidth)
    let down = Resampling(from: height, to: newHeight)
    let stride = newWidth * channels

    // Rows are made narrow first, all of them; then columns are made short.
    var source = [Float](repeating: 0, count: width * channels)
    var narrow = [Float](repeating: 0, count: height * stride)
    for y in 0..<height {
      source.withUnsafeMutableBufferPointer { row(y, $0) }
      for x in 0..<newWidth {
        let weights = across.weights[x]
        for channel in 0..<channels {
          var sum: Float = 0
          var position = across.starts[x] * channels + channel
          for weight in weights {
            sum += weight * source[position]
            position += channels
          }
          narrow[y * stride + x * channels + channel] = sum
        }
      }
    }
    var result = [Float](repeating: 0, count: newHeight * stride)
    for y in 0..<newHeight {
      for (offset, weight) in down.weights[y].enumerated() {
        let from = (down.starts[y] + offset) * stride
        for x in 0..<stride { result[y * stride + x] += weight * narrow[from + x] }
      }
    }
    return result
  }
}
