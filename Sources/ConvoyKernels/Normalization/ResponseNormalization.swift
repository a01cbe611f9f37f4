package import ConvoyTensors

/// Local response normalisation in plain Swift: x ∕ (bias + alpha∕size · Σx²)^beta, summed over
/// neighbouring channels.
package struct ResponseNormalization: Kernel {
  /// See `Kernel.name`.
  package let name = "portable response norm"
  private let window: ResponseWindow
  private let image: PlaneLayout
  private let base: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let parts: PixelParts
  private let cursors: (RowCursor, RowCursor)

  /// - Parameters:
  ///   - size: the number of channels that are summed.
  ///   - image: planes in the identity order, with offsets from `base`.
  ///   - output: planes of the image's extents, with offsets from `outputBase`.
  package init(
    size: Int, alpha: Float, beta: Float, bias: Float, _ image: PlaneLayout, base: Region,
    to output: PlaneLayout, outputBase: Region
  ) {
    window = ResponseWindow(
      channels: image.channels, size: size, alpha: alpha, beta: beta, bias: bias)
    self.image = image
    self.base = base
    self.output = output
    self.outputBase = outputBase
    parts = PixelParts(image, cost: window.cost)
    cursors = (RowCursor(image), RowCursor(output))
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { parts.count }
  /// See `Kernel.scratchCount`.
  package var scratchCount: Int { window.blockCount }

  /// Normalises some pixels with all their channels.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    window.clear(scratch)
    parts.forEachRun(of: chunk) { row, column, count in
      let source = UnsafePointer(memory[base] + cursors.0.offset(ofRow: row))
      let target = memory[outputBase] + cursors.1.offset(ofRow: row)
      for first in stride(from: column, to: column + count, by: window.blockSize) {
        let pixels = first..<min(first + window.blockSize, column + count)
        normalize(pixels, from: source, to: target, squares: scratch)
      }
    }
  }

  /// Normalises a block of pixels of a row.
  private func normalize(
    _ pixels: Range<Int>, from source: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>, squares: UnsafeMutablePointer<Float>
  ) {
    let lanes = PlaneLayout.lanes
    for plane in 0..<window.planes {
      let start = source + image.planes[plane] + pixels.lowerBound * lanes
      for pixel in 0..<pixels.count {
        let x = window.masked((start + pixel * lanes).lanes, plane: plane)
        (squares + window.position(pixel: pixel, plane: plane)).lanes = x * x
      }
    }
    for plane in 0..<window.planes {
      let start = source + image.planes[plane] + pixels.lowerBound * lanes
      let result = target + output.planes[plane] + pixels.lowerBound * lanes
      for pixel in 0..<pixels.count {
        let base = window.base(squares + window.position(pixel: pixel, plane: plane))
        (result + pixel * lanes).lanes = (start + pixel * lanes).lanes * window.factor(base)
      }
    }
  }
}

/// The gradient of local response normalisation in plain Swift: with b the base of the power,
/// g·b^−beta − 2·alpha·beta∕size · x · Σ g·x·b^(−beta−1), summed over the channels whose windows
/// include that of x.
package struct ResponseNormalizationGradient: Kernel {
  /// See `Kernel.name`.
  package let name = "portable response norm gradient"
  private let window: ResponseWindow
  private let operands: Operands
  private let parts: PixelParts
  private let cursors: (image: RowCursor, gradient: RowCursor, output: RowCursor)

  /// The regions of the operands: planes of one geometry in the identity order, each with offsets
  /// from a base.
  package struct Operands: Sendable {
    let image: PlaneLayout
    let imageBase: Region
    let gradient: PlaneLayout
    let gradientBase: Region
    let output: PlaneLayout
    let outputBase: Region

    /// Operands at given regions.
    package init(
      image: PlaneLayout, imageBase: Region, gradient: PlaneLayout, gradientBase: Region,
      output: PlaneLayout, outputBase: Region
    ) {
      self.image = image
      self.imageBase = imageBase
      self.gradient = gradient
      self.gradientBase = gradientBase
      self.output = output
      self.outputBase = outputBase
    }
  }

  /// - Parameter size: the number of channels that the normalisation sums.
  package init(size: Int, alpha: Float, beta: Float, bias: Float, _ operands: Operands) {
    window = ResponseWindow(
      channels: operands.image.channels, size: size, alpha: alpha, beta: beta, bias: bias)
    self.operands = operands
    parts = PixelParts(operands.image, cost: window.cost * 2)
    cursors = (
      RowCursor(operands.image), RowCursor(operands.gradient), RowCursor(operands.output)
    )
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { parts.count }
  /// See `Kernel.scratchCount`.
  package var scratchCount: Int { 2 * window.blockCount }

  /// Computes the gradient of some pixels with all their channels.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let squares = scratch
    let shares = scratch + window.blockCount
    window.clear(squares)
    window.clear(shares)
    let lanes = PlaneLayout.lanes
    parts.forEachRun(of: chunk) { row, column, count in
      var first = column
      while first < column + count {
        let pixels = min(window.blockSize, column + count - first)
        let x = memory[operands.imageBase] + cursors.image.offset(ofRow: row) + first * lanes
        let g =
          memory[operands.gradientBase] + cursors.gradient.offset(ofRow: row) + first * lanes
        let result =
          memory[operands.outputBase] + cursors.output.offset(ofRow: row) + first * lanes
        fill(squares, from: x, pixels)
        makeShares(shares, squares, x, g, to: result, pixels)
        addShares(shares, x, to: result, pixels)
        first += pixels
      }
    }
  }

  /// x², channel after channel.
  private func fill(
    _ squares: UnsafeMutablePointer<Float>, from x: UnsafePointer<Float>, _ pixels: Int
  ) {
    for plane in 0..<window.planes {
      let start = x + operands.image.planes[plane]
      for pixel in 0..<pixels {
        let x = window.masked((start + pixel * PlaneLayout.lanes).lanes, plane: plane)
        (squares + window.position(pixel: pixel, plane: plane)).lanes = x * x
      }
    }
  }

  /// Stores g·b^−beta in the result, and g·x·b^(−beta−1), which contributes to neighbouring
  /// channels, in scratch memory.
  private func makeShares(
    _ shares: UnsafeMutablePointer<Float>, _ squares: UnsafePointer<Float>,
    _ x: UnsafePointer<Float>, _ g: UnsafePointer<Float>,
    to result: UnsafeMutablePointer<Float>, _ pixels: Int
  ) {
    for plane in 0..<window.planes {
      let (xs, gs) = (x + operands.image.planes[plane], g + operands.gradient.planes[plane])
      let results = result + operands.output.planes[plane]
      for pixel in 0..<pixels {
        let position = window.position(pixel: pixel, plane: plane)
        let offset = pixel * PlaneLayout.lanes
        let base = window.base(squares + position)
        let direct = (gs + offset).lanes * window.factor(base)
        (results + offset).lanes = direct
        let share = direct * (xs + offset).lanes / base
        (shares + position).lanes = window.masked(share, plane: plane)
      }
    }
  }

  /// Subtracts the contributions of the neighbouring channels' windows from the result.
  private func addShares(
    _ shares: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
    to result: UnsafeMutablePointer<Float>, _ pixels: Int
  ) {
    let scale = 2 * window.alpha * window.beta / Float(window.size)
    for plane in 0..<window.planes {
      let xs = x + operands.image.planes[plane]
      let results = result + operands.output.planes[plane]
      for pixel in 0..<pixels {
        let sum = window.sum(
          shares + window.position(pixel: pixel, plane: plane), below: window.after,
          above: window.before)
        let offset = pixel * PlaneLayout.lanes
        (results + offset).lanes -= (xs + offset).lanes * sum * scale
      }
    }
  }
}
