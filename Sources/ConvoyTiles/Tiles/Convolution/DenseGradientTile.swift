import ConvoyTensors

/// The micro-kernel of a dense convolution's weight gradient,
///
///     sum[pair][plane] += Σ over pixels of x[pixel + distance[pair]] · g[pixel][plane]
///
/// where x is one number, broadcast to all lanes, and g a vector of 16 output channels. It is
/// `DenseTile` with the roles of pixels and pairs of input channel and tap exchanged. Sums stay in
/// registers for all pixels of a call.
package struct DenseGradientTile: TileDescription {
  /// What a pair reads.
  package struct Read: Hashable, Sendable {
    /// The index of the tile's line.
    package var line: Int
    /// Floats from the pixel that the line's first pair reads.
    package var distance: Int

    package init(line: Int, distance: Int) {
      self.line = line
      self.distance = distance
    }
  }

  package let unit: VectorUnit
  /// Planes of the gradient.
  package var planes: Int
  /// The pairs.
  package var reads: [Read]
  /// Bytes from a pixel to the next in the image, and in the gradient.
  package var imageStep: Int
  package var gradientStep: Int

  package init(unit: VectorUnit, planes: Int, reads: [Read], imageStep: Int, gradientStep: Int) {
    self.unit = unit
    self.planes = planes
    self.reads = reads
    self.imageStep = imageStep
    self.gradientStep = gradientStep
  }

  /// The largest number of lines of a tile; each has a register.
  package static let maximalLines = 4

  package var name: String { "broadcast gradient \(reads.count)x\(planes)" }

  package func write(_ w: any TileWriter) {
    let parts = unit.vectorsPerPixel
    let vectors = planes * parts
    // With one vector for each pixel, the multiplication can broadcast its operand from memory, if
    // instructions can.
    let embedsBroadcast = vectors == 1 && unit.embedsBroadcast

    var pool = RegisterPool(unit)
    let sums = reads.indices.map { pool.vectors("sums of pair \($0)", vectors) }
    let gradients = pool.vectors("the gradient's pixel", vectors)
    let temporaries = pool.remainingVectors(
      "numbers of the image", atLeast: embedsBroadcast ? 0 : 1)

    let image = pool.integer("image")
    let gradient = pool.integer("gradient")
    let columns = pool.integer("columns")
    let rows = pool.integer("rows")
    let lineCount = (reads.map(\.line).max() ?? 0) + 1
    let lines = pool.integers("lines", lineCount, of: DenseGradientTile.maximalLines)
    let otherPlanes = pool.integers("planes after the first", planes - 1)

    /// Visits every sum with its place in memory.
    func forEachSum(_ body: (Vector, Place) -> Void) {
      let (place, pitch) = (columns, rows)
      w.load(place, w.argument(GradientField.sums))
      w.load(pitch, w.argument(GradientField.sumsPitch))
      for plane in 0..<planes {
        for pair in reads.indices {
          for part in 0..<parts {
            let distance = pair * VectorUnit.pixelBytes + part * unit.vectorBytes
            body(sums[pair][plane * parts + part], place + distance)
          }
        }
        w.advance(place, by: pitch)
      }
    }

    /// sums[pair] += x[pair] · gradients, of one pixel.
    func addProducts(_ pair: Int) {
      let read = reads[pair]
      let x = image + lines[read.line] + read.distance * MemoryLayout<Float>.size
      if embedsBroadcast {
        w.multiplyAdd(sums[pair][0], gradients[0], broadcastAt: x)
      } else {
        let number = temporaries[pair % temporaries.count]
        w.broadcast(number, x)
        for (sum, gradient) in zip(sums[pair], gradients) { w.multiplyAdd(sum, number, gradient) }
      }
    }

    w.function(pool) {
      forEachSum { w.load($0, $1) }
      for (index, register) in (lines + otherPlanes).enumerated() {
        w.load(register, w.argument(GradientField.offsets, index))
      }
      w.walkRows(image: image, gradient: gradient, rows: rows, scratch: columns) {
        w.load(columns, w.argument(GradientField.columns))
        w.loop(columns, .atLeastOnce, isAligned: true) {
          for vector in 0..<vectors {
            let (plane, part) = vector.quotientAndRemainder(dividingBy: parts)
            let place = gradient + part * unit.vectorBytes
            w.load(gradients[vector], plane == 0 ? place : place + otherPlanes[plane - 1])
          }
          for pair in reads.indices { addProducts(pair) }
          w.advance(image, by: imageStep)
          w.advance(gradient, by: gradientStep)
        }
      }
      forEachSum { w.store($1, $0) }
    }
  }
}
