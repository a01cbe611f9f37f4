import ConvoyTensors

/// The micro-kernel of a lane-wise weight gradient: depthwise and narrow groups,
///
///     sum[tap] += Σ over pixels of x[pixel + tap] · g[pixel]
///
/// for some taps of one input channel of the groups. A tile holds rows × columns pixels of the
/// gradient in registers, and loads each pixel of the image once, for every tap and every row of
/// the tile that reads it. Sums stay in registers for all pixels of a call.
package struct LaneGradientTile: LaneWiseTile {
  package let unit: VectorUnit
  /// The pixels of the gradient in a tile, and those of the image that they are multiplied with.
  package var geometry: LaneGeometry
  /// The index of the channel, if a vector holds several.
  package var channel = 0

  package init(unit: VectorUnit, _ geometry: LaneGeometry, channel: Int = 0) {
    self.unit = unit
    self.geometry = geometry
    self.channel = channel
  }

  /// A tap and a pixel of the tile whose product includes a pixel of the image.
  private typealias Use = (tap: Int, pixel: Int)

  /// The largest number of lines of all sources; each has its distance in a register.
  private static let maximalLines = 9

  private var lines: [LaneGeometry.Line] { geometry.lines }

  /// The number of sums of each tap. Where taps are few, neighbouring pixels have separate sums, so
  /// that enough are in flight at once.
  private var setCount: Int {
    max(1, min(unit.chainCount / taps.count, rows * columns))
  }

  /// The registers that are left for pixels of the image.
  private var temporaryCount: Int {
    unit.registerCount - taps.count * setCount - rows * columns - access.numberVectors
  }

  /// Whether the registers hold the tile.
  package var fits: Bool {
    temporaryCount >= unit.temporaryCount
      && lines.count * access.sources <= LaneGradientTile.maximalLines
  }

  /// For each pixel of the image that a tile reads, its products; in the order of columns, so that
  /// consecutive multiplications add to different sums.
  private var visits: [(line: Int, column: Int, uses: [Use])] {
    let lines = lines
    var uses: [SIMD2<Int>: [Use]] = [:]
    for (tap, offset) in taps.enumerated() {
      for row in 0..<rows {
        let line = geometry.line(ofTap: offset, row: row)
        guard let number = lines.firstIndex(of: line) else { continue }
        for column in 0..<columns {
          uses[[column * columnStep + offset[2], number], default: []].append(
            (tap, row * columns + column))
        }
      }
    }
    return uses.sorted { ($0.key[0], $0.key[1]) < ($1.key[0], $1.key[1]) }.map {
      (line: $0.key[1], column: $0.key[0], uses: $0.value)
    }
  }

  /// The approximate cost of a tile, in multiplications.
  package var cost: Double {
    let (products, loads) = (rows * columns * taps.count, visits.count * access.sources)
    return Double(products) * max(1, Double(unit.chainCount) / Double(2 * setCount * taps.count))
      + 0.4 * Double(loads + rows * columns) + 3
  }

  package var name: String {
    "lane gradient \(rows)x\(columns) \(taps.count) taps \(access) \(channel)"
  }

  package func write(_ w: any TileWriter) {
    let pixelBytes = VectorUnit.pixelBytes
    let (lineCount, setCount) = (lines.count, setCount)

    var pool = RegisterPool(unit)
    let sums = (0..<setCount).map { pool.vectors("sums of set \($0)", taps.count) }
    let gradients = pool.vectors("the gradient's pixels", rows * columns)
    let numbers = pool.vectors("numbers of lanes", access.numberVectors)
    let temporaries = pool.remainingVectors("the image's pixels", atLeast: 1)
    let masks = pool.masks("sources after the first", access.sources - 1)

    let image = pool.integer("image")
    let gradient = pool.integer("gradient")
    let tiles = pool.integer("tiles")
    let bands = pool.integer("bands")
    let distances = pool.integers(
      "distances of lines", lineCount * access.sources, of: LaneGradientTile.maximalLines)
    let pitch = pool.integer("bytes from a row of the gradient to the next")

    let reader = LaneReader(access: access, numbers: numbers, masks: masks)

    /// Loads a tile of the gradient.
    func loadGradients() {
      for row in 0..<rows {
        for column in 0..<columns {
          let place = gradient + column * pixelBytes
          // A tile has at most two rows.
          w.load(gradients[row * columns + column], row == 0 ? place : place + pitch)
        }
      }
    }

    w.function(pool) {
      w.load(tiles, w.argument(GradientField.sums))
      for (tap, sum) in sums[0].enumerated() { w.load(sum, tiles + tap * pixelBytes) }
      for sum in sums.dropFirst().joined() { w.clear(sum) }
      if !numbers.isEmpty {
        w.load(tiles, w.argument(GradientField.laneNumbers))
        reader.loadTable(tiles, w)
      }
      for (index, distance) in distances.enumerated() {
        w.load(distance, w.argument(GradientField.offsets, index))
      }
      w.load(pitch, w.argument(GradientField.gradientPitch))
      w.walkRows(image: image, gradient: gradient, rows: bands, scratch: tiles) {
        w.load(tiles, w.argument(GradientField.columns))
        w.loop(tiles, .atLeastOnce, isAligned: true) {
          loadGradients()
          for (number, visit) in visits.enumerated() {
            let x = temporaries[number % temporaries.count]
            reader.load(x, channel: channel, w) { source in
              image + distances[source * lineCount + visit.line] + visit.column * pixelBytes
            }
            for use in visit.uses {
              w.multiplyAdd(sums[use.pixel % setCount][use.tap], x, gradients[use.pixel])
            }
          }
          w.advance(image, by: columns * columnStep * pixelBytes)
          w.advance(gradient, by: columns * pixelBytes)
        }
      }
      w.load(tiles, w.argument(GradientField.sums))
      for (tap, sum) in sums[0].enumerated() {
        for others in sums.dropFirst() { w.add(sum, sum, others[tap]) }
        w.store(tiles + tap * pixelBytes, sum)
      }
    }
  }
}
