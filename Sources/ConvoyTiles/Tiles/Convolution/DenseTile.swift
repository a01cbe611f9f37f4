import ConvoyTensors

/// The fields of `DenseTile`.
public enum DenseField: Int, TileField {
  /// The number of pairs.
  case steps = 8
  /// The address of the indirection table.
  case distances = 16
  /// The address of the first plane's weights, and bytes from a plane's to the next plane's.
  case weights = 24, weightPitch = 32
}

/// The micro-kernel of dense convolution: tiles of rows × columns output pixels of up to four
/// planes,
///
///     sum[pixel][plane] = bias[plane] + Σ over pairs of x[pixel + distance[pair]] · w[pair][plane]
///
/// where x is one number, broadcast to all lanes, and w a vector of 16 output channels. A pair is
/// an input channel and a tap. An indirection table has the distances of each pair's number and
/// weights, so that input channels may be at any address and any pairs may be omitted. Each sum is
/// computed in the order of the pairs, so that every tile gives the same bits.
package struct DenseTile: TileDescription {
  /// An entry of the indirection table.
  package struct Pair: Hashable, Sendable {
    /// Bytes from a tile's first pixel to the number.
    package var input: Int
    /// Bytes from the first of a plane's weights to the pair's.
    package var weights: Int
    /// Bytes from a tile's first pixel to a pixel of the next tile that is prefetched.
    package var ahead = 0

    package init(input: Int, weights: Int, ahead: Int = 0) {
      self.input = input
      self.weights = weights
      self.ahead = ahead
    }
  }

  package let unit: VectorUnit
  /// The rows of a tile; each has an address of its own.
  package var rows: Int
  /// Columns of a tile.
  package var columns: Int
  /// Planes of a tile.
  package var planes: Int
  /// Bytes from a column to the next in the input.
  package var inputStep: Int
  /// Bytes from a column to the next in the output.
  package var outputStep: Int
  /// Whether a line of the next tile's pixels is prefetched with each pair. Where images come from
  /// memory, the hardware prefetcher does not detect accesses to a few lines of many planes.
  package var fetchesAhead = false
  /// Whether a residual is added to each sum.
  package var addsResidual = false
  /// The number of lanes that each output's sum is spread over, for a single plane, where lanes can
  /// be added: see `PlaneFolding`.
  package var factor = 1
  package var activation: ActivationKind

  package init(
    unit: VectorUnit, rows: Int, columns: Int, planes: Int, inputStep: Int, outputStep: Int,
    fetchesAhead: Bool = false, addsResidual: Bool = false, factor: Int = 1,
    activation: ActivationKind
  ) {
    self.unit = unit
    self.rows = rows
    self.columns = columns
    self.planes = planes
    self.inputStep = inputStep
    self.outputStep = outputStep
    self.fetchesAhead = fetchesAhead
    self.addsResidual = addsResidual
    self.factor = factor
    self.activation = activation
  }

  package var name: String {
    let shape = "\(rows)x\(columns)x\(planes)/\(factor)"
    let fetches = fetchesAhead ? " ahead" : ""
    return "broadcast \(shape) \(activation) \(inputStep) \(outputStep)\(fetches)"
  }

  package func write(_ w: any TileWriter) {
    let parts = unit.vectorsPerPixel
    let vectors = planes * parts
    let pixels = rows * columns
    // With one vector for each pixel, the multiplication can broadcast its operand from memory, if
    // instructions can.
    let embedsBroadcast = vectors == 1 && unit.embedsBroadcast
    precondition(
      rows <= CommonField.maximalRows && planes <= CommonField.maximalPlanes,
      "the arguments of a tile have room for fewer rows or planes than \(rows) and \(planes)")
    precondition(factor == 1 || vectors == 1, "only a single vector is folded")

    var pool = RegisterPool(unit)
    let sums = (0..<pixels).map { pool.vectors("sums of pixel \($0)", vectors) }
    let weights = pool.vectors("weights", vectors)
    let temporaries = pool.remainingVectors("pixels under way", atLeast: embedsBroadcast ? 0 : 1)

    let tiles = pool.integer("tiles")
    let weight = pool.integer("weights of the pair")
    let pair = pool.integer("pair")
    let steps = pool.integer("steps")
    let offset = pool.integer("offset")
    let pitch = pool.integer("weight pitch")
    let triplePitch = pool.integer("three times the pitch")
    let outputColumn = pool.integer("output column")
    let inputs = pool.integers("inputs", rows, of: CommonField.maximalRows)
    let ahead = pool.integers("pixel ahead", fetchesAhead ? 1 : 0)

    /// The place of a vector of the current pair's weights.
    func weightPlace(_ vector: Int) -> Place {
      let (plane, part) = vector.quotientAndRemainder(dividingBy: parts)
      let inPlane = weight + part * unit.vectorBytes
      return switch plane {
      case 0: inPlane
      case 1: inPlane + pitch
      case 2: inPlane + pitch * 2
      default: inPlane + triplePitch
      }
    }

    /// sums[pixel] += x[pixel] · weights, of one pair.
    func addProducts(_ pixel: Int) {
      let (row, column) = pixel.quotientAndRemainder(dividingBy: columns)
      let x = inputs[row] + offset + column * inputStep
      if embedsBroadcast, factor == 1 {
        w.multiplyAdd(sums[pixel][0], weights[0], broadcastAt: x)
      } else if factor == PlaneLayout.lanes {
        w.multiplyAdd(sums[pixel][0], weights[0], x)
      } else {
        let numbers = temporaries[pixel % temporaries.count]
        w.repeatLanes(numbers, x, count: factor)
        for (sum, weights) in zip(sums[pixel], weights) { w.multiplyAdd(sum, numbers, weights) }
      }
    }

    let outputs = OutputRow.all(
      sums, rows: rows, planes: planes, columnStep: outputStep, pointer: offset,
      column: outputColumn, unit)

    w.function(pool) {
      w.load(tiles, w.argument(.tiles))
      w.load(pitch, w.argument(DenseField.weightPitch))
      w.point(triplePitch, to: pitch + pitch * 2)
      w.clear(outputColumn)
      for (row, input) in inputs.enumerated() { w.load(input, w.argument(.inputs, row)) }

      w.loop(tiles) {
        for vector in 0..<vectors {
          w.load(sums[0][vector], w.argument(.bias) + vector * unit.vectorBytes)
          for sum in sums.dropFirst() { w.copy(sum[vector], sums[0][vector]) }
        }
        w.load(pair, w.argument(DenseField.distances))
        w.load(steps, w.argument(DenseField.steps))
        // A phase of a transposed convolution may have no pairs.
        w.loop(steps, .perhapsNever, isAligned: true) {
          w.load(offset, pair + 0)
          w.load(weight, pair + Integer.bytes)
          w.advance(weight, by: w.argument(DenseField.weights))
          for ahead in ahead {
            w.load(ahead, pair + 2 * Integer.bytes)
            w.prefetch(inputs[0] + ahead + columns * inputStep)
          }
          for vector in 0..<vectors { w.load(weights[vector], weightPlace(vector)) }
          for pixel in 0..<pixels { addProducts(pixel) }
          w.advance(pair, by: MemoryLayout<Pair>.stride)
        }
        if factor > 1 {
          w.addNeighbours(
            sums.map { $0[0] }, count: factor, numbers: weights[0], temporaries: temporaries,
            table: steps, scratch: offset)
        }
        Epilogue(addsResidual: addsResidual, activation: activation).write(
          outputs, sums: sums.flatMap { $0 }, free: weights + temporaries, table: steps, w)
        for input in inputs { w.advance(input, by: columns * inputStep) }
        w.advance(outputColumn, by: columns * outputStep)
      }
    }
  }
}
