package import ConvoyTensors

/// The regions that the kernels of a batch normalisation's gradient read.
package struct NormalizationGradientOperands: Sendable {
  let statistics: ChannelStatistics
  let shift: Region
  let activation: ScalarFunction?
  let image: PlaneLayout
  let imageBase: Region
  let gradient: PlaneLayout
  let gradientBase: Region
  fileprivate let channels: ChannelVectors

  /// Operands at given regions.
  ///
  /// - Parameters:
  ///   - shift: one number for each channel.
  ///   - activation: the function that was applied to the normalised image, if any.
  ///   - image: planes with offsets from `imageBase`.
  ///   - gradient: planes of the image's extents, with channels in the same order and offsets from
  ///     `gradientBase`.
  package init(
    _ statistics: ChannelStatistics, shift: Region, activation: ScalarFunction?,
    image: PlaneLayout, imageBase: Region, gradient: PlaneLayout, gradientBase: Region
  ) {
    self.statistics = statistics
    self.shift = shift
    self.activation = activation
    self.image = image
    self.imageBase = imageBase
    self.gradient = gradient
    self.gradientBase = gradientBase
    channels = ChannelVectors(image)
  }
}

extension NormalizationGradientOperands {
  /// The vectors that all pixels of a plane share.
  fileprivate struct Vectors {
    let mean: Lanes
    let inverse: Lanes
    let factor: Lanes
    let shift: Lanes

    /// The argument of the activation.
    @inline(__always)
    func normalized(_ x: Lanes) -> Lanes { (x - mean) * factor + shift }
  }

  fileprivate func vectors(ofPlane plane: Int, in memory: Memory) -> Vectors {
    let inverse = statistics.inverseDeviation(plane, of: channels, in: memory)
    return Vectors(
      mean: statistics.mean(plane, of: channels, in: memory), inverse: inverse,
      factor: statistics.scale(plane, of: channels, in: memory) * inverse,
      shift: channels.lanes(shift, ofPlane: plane, in: memory))
  }

  /// Runs a body with the derivative of the activation: each frequent activation has a specialised
  /// loop.
  @inline(__always)
  fileprivate func withActivation(
    _ vectors: Vectors, _ body: (_ through: (_ x: Lanes, _ gradient: Lanes) -> Lanes) -> Void
  ) {
    switch activation?.activation {
    case nil: body { _, gradient in gradient }
    case is Activations.ReLU:
      body { x, gradient in
        Lanes.zero.replacing(with: gradient, where: vectors.normalized(x) .> 0)
      }
    case let clip as Activations.Clip:
      body { x, gradient in
        let z = vectors.normalized(x)
        return Lanes.zero.replacing(with: gradient, where: (z .> clip.low) .& (z .<= clip.high))
      }
    case .some(let activation):
      body { x, gradient in activation.derivative(at: vectors.normalized(x)) * gradient }
    }
  }
}

/// Σg and Σg·x̂ of each part of each plane, where x̂ is the normalised image before scale and
/// shift. `ChannelTotals` adds them to the gradients of shift and scale.
package struct PlanePartNormalizationSums: Kernel {
  /// See `Kernel.name`.
  package let name = "portable batch norm gradient"
  private let operands: NormalizationGradientOperands
  private let toShift: Region
  private let toScale: Region
  private let parts: PixelParts
  private let cursors: (RowCursor, RowCursor)

  /// - Parameters:
  ///   - toShift: the region of `PlanePartReduction.elementCount` numbers for Σg.
  ///   - toScale: the region of as many numbers for Σg·x̂.
  package init(_ operands: NormalizationGradientOperands, toShift: Region, toScale: Region) {
    self.operands = operands
    self.toShift = toShift
    self.toScale = toScale
    parts = PixelParts(
      operands.image, joiningRowsOf: [operands.image, operands.gradient])
    cursors = (RowCursor(operands.image), RowCursor(operands.gradient))
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { operands.image.planes.count * parts.count }

  /// Sums over a part of a plane.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    let vectors = operands.vectors(ofPlane: plane, in: memory)
    let image = UnsafePointer(memory[operands.imageBase] + operands.image.planes[plane])
    let gradient = UnsafePointer(memory[operands.gradientBase] + operands.gradient.planes[plane])
    var total = BlockedPair()
    operands.withActivation(vectors) { through in
      parts.forEachRun(of: part) { row, column, count in
        let x = image + cursors.0.offset(ofRow: row) + column * PlaneLayout.lanes
        let g = gradient + cursors.1.offset(ofRow: row) + column * PlaneLayout.lanes
        total.add(count: count) {
          let pixel = (x + $0 * PlaneLayout.lanes).lanes
          let gradient = through(pixel, (g + $0 * PlaneLayout.lanes).lanes)
          return (gradient, gradient * (pixel - vectors.mean))
        }
      }
    }
    let (sums, products) = total.finish()
    let shift = memory[toShift] + chunk * PlaneLayout.lanes
    let scale = memory[toScale] + chunk * PlaneLayout.lanes
    for lane in 0..<PlaneLayout.lanes {
      shift[lane] = Float(sums[lane])
      scale[lane] = Float(products[lane] * Double(vectors.inverse[lane]))
    }
  }
}

/// The gradient of a batch normalisation's image: scale ∕ √(variance + ε) · (g − Σg∕n − x̂·Σgx̂∕n).
package struct PlaneNormalizationGradient: Kernel {
  /// See `Kernel.name`.
  package let name = "portable batch norm gradient"
  private let operands: NormalizationGradientOperands
  private let toShift: Region
  private let toScale: Region
  private let output: PlaneLayout
  private let outputBase: Region
  private let parts: PixelParts
  private let cursors: (image: RowCursor, gradient: RowCursor, output: RowCursor)

  /// - Parameters:
  ///   - toShift: Σg, one number for each channel.
  ///   - toScale: Σgx̂, one number for each channel.
  ///   - output: planes of the image's extents, with offsets from `outputBase`.
  package init(
    _ operands: NormalizationGradientOperands, toShift: Region, toScale: Region,
    to output: PlaneLayout, outputBase: Region
  ) {
    self.operands = operands
    self.toShift = toShift
    self.toScale = toScale
    self.output = output
    self.outputBase = outputBase
    parts = PixelParts(
      operands.image, joiningRowsOf: [operands.image, operands.gradient, output])
    cursors = (
      RowCursor(operands.image), RowCursor(operands.gradient), RowCursor(output)
    )
  }

  /// See `Kernel.chunkCount`.
  package var chunkCount: Int { operands.image.planes.count * parts.count }

  /// Computes the gradient of a part of a plane.
  package func run(chunk: Int, in memory: Memory, scratch: UnsafeMutablePointer<Float>) {
    let (plane, part) = chunk.quotientAndRemainder(dividingBy: parts.count)
    func channelVector(_ region: Region) -> Lanes {
      operands.channels.lanes(region, ofPlane: plane, in: memory)
    }
    let vectors = operands.vectors(ofPlane: plane, in: memory)
    let inverseCount = 1 / Float(operands.image.batch * operands.image.extents.volume)
    let meanGradient = channelVector(toShift) * inverseCount
    let slope = channelVector(toScale) * inverseCount * vectors.inverse
    let image = UnsafePointer(memory[operands.imageBase] + operands.image.planes[plane])
    let gradient = UnsafePointer(memory[operands.gradientBase] + operands.gradient.planes[plane])
    let target = memory[outputBase] + output.planes[plane]
    operands.withActivation(vectors) { through in
      parts.forEachRun(of: part) { row, column, count in
        let x = image + cursors.image.offset(ofRow: row) + column * PlaneLayout.lanes
        let g = gradient + cursors.gradient.offset(ofRow: row) + column * PlaneLayout.lanes
        let to = target + cursors.output.offset(ofRow: row) + column * PlaneLayout.lanes
        for pixel in 0..<count {
          let position = pixel * PlaneLayout.lanes
          let pixel = (x + position).lanes
          let share = (pixel - vectors.mean) * slope + meanGradient
          (to + position).lanes =
            (through(pixel, (g + position).lanes) - share) * vectors.factor
        }
      }
    }
  }
}
