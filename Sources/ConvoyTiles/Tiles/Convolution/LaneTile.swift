import ConvoyTensors

/// The fields of `LaneTile`.
public enum LaneField: Int, TileField {
  /// The number of steps: input channels of a group, pairs or quads of them.
  case steps = 8
  /// The address of the weights.
  case weights = 24
  /// The number of consecutive bands of rows; at least one at the beginning, and zero at the end.
  case bands = 512
  /// Bytes from a band to the next, in the input and in the output.
  case inputBandStep = 520, outputBandStep = 528
  /// For each vector of a plane's pixel, with the bytes of a vector between them: the addresses of
  /// the distances of each step's lines, and of the permutation indices, a vector for each step.
  case lineDistances = 704, lanes = 712
  /// Bytes from a plane's pixel to the first vector that is computed, and to the end of the last.
  case firstVector = 720, endOfVectors = 728
  /// The address of the 16 initial values of sums.
  case startOfSums = 752
}

/// The micro-kernel of depthwise and narrowly grouped convolution: tiles of rows × columns output
/// pixels of one plane,
///
///     sum[row][column] = bias + Σ over steps, taps of x[line][column] · w[step][tap]
///
/// where every lane multiplies its own x. A step is an input channel of the groups, or several
/// channels in the same plane: the lanes of each group then read one lane of their own group. Each
/// pixel is loaded once for all taps and rows that use it, because loads, not multiplications,
/// limit a simple loop.
///
/// Each sum is computed in the order of the taps, so that every tile gives the same bits.
package struct LaneTile: LaneWiseTile {
  package let unit: VectorUnit
  /// The outputs of a tile, and the pixels of the input that they read.
  package var geometry: LaneGeometry
  /// Bytes from an output column to the next in the output.
  package var outputStep: Int
  /// Whether there is only one step, so that its weights may stay in registers.
  package var isSingleStep: Bool
  /// Whether a residual is added to each sum.
  package var addsResidual = false
  /// The epilogue's function.
  package var activation: ActivationKind

  package init(
    unit: VectorUnit, _ geometry: LaneGeometry, outputStep: Int, isSingleStep: Bool,
    addsResidual: Bool = false, activation: ActivationKind
  ) {
    self.unit = unit
    self.geometry = geometry
    self.outputStep = outputStep
    self.isSingleStep = isSingleStep
    self.addsResidual = addsResidual
    self.activation = activation
  }

  /// Taps of a line whose weights are in registers together, with the row of the tile that uses
  /// each.
  private struct Batch {
    var line: Int
    var uses: [Use]
  }

  /// A tap that reads a line, and the row of the tile that uses it.
  private typealias Use = (tap: Int, row: Int)

  private var sumCount: Int { geometry.pixels }

  private var isPermuted: Bool { access.numbersPerStep > 0 }

  /// The registers that could hold weights.
  private var roomForWeights: Int {
    let others = sumCount + (isPermuted ? access.sources : 0) + unit.temporaryCount
    return max(1, unit.registerCount - others)
  }

  /// Whether weights stay in registers. Where a plane is several vectors, each has its own weights,
  /// and tiles compute the vectors in turn.
  private var keepsWeights: Bool {
    isSingleStep && unit.vectorsPerPixel == 1 && access.channels * taps.count <= roomForWeights
  }

  /// The registers for weights; registers that weights do not need are left to pixels.
  private func weightCount(_ usesOfLines: [[Use]]) -> Int {
    let mostUses = usesOfLines.reduce(1) { max($0, $1.count) }
    return keepsWeights ? access.channels * taps.count : min(roomForWeights, mostUses)
  }

  /// For each line, the taps that read it and the rows of the tile that use them.
  private var usesOfLines: [[Use]] {
    let lines = geometry.lines
    var uses: [[Use]] = Array(repeating: [], count: lines.count)
    for (tap, offset) in taps.enumerated() {
      for row in 0..<rows {
        let line = lines.firstIndex(of: geometry.line(ofTap: offset, row: row))
        if let line { uses[line].append((tap, row)) }
      }
    }
    return uses
  }

  private func batches(_ usesOfLines: [[Use]]) -> [Batch] {
    let size = weightCount(usesOfLines)
    return usesOfLines.enumerated().flatMap { line, uses in
      stride(from: 0, to: uses.count, by: size).map {
        Batch(line: line, uses: Array(uses[$0..<min(uses.count, $0 + size)]))
      }
    }
  }

  /// The pixels of a line that a batch reads, in order.
  private func pixels(_ batch: Batch) -> [Int] {
    let last = batch.uses.reduce(0) { max($0, taps[$1.tap][2]) } + (columns - 1) * columnStep
    var isRead = Array(repeating: false, count: last + 1)
    for use in batch.uses {
      for column in 0..<columns { isRead[column * columnStep + taps[use.tap][2]] = true }
    }
    return isRead.indices.filter { isRead[$0] }
  }

  /// The approximate cost of a tile, in multiplications.
  package var cost: Double {
    let batches = batches(usesOfLines)
    // Pixels may come from the second-level cache; weights are always in the first.
    let loads = batches.reduce(0) {
      $0 + 0.75 * Double(pixels($1).count * access.sources)
        + (keepsWeights ? 0 : 0.25 * Double($1.uses.count))
    }
    return Double(max(sumCount, unit.chainCount) * taps.count) + loads
      + Double(2 * sumCount + 4)
  }

  package var name: String { "lanes \(rows)x\(columns) \(taps.count) taps \(access) \(activation)" }

  package func write(_ w: any TileWriter) {
    let pixelBytes = VectorUnit.pixelBytes
    let usesOfLines = usesOfLines
    let batches = batches(usesOfLines)
    let lineCount = usesOfLines.count

    var pool = RegisterPool(unit)
    let sums = (0..<rows).map { pool.vectors("sums of row \($0)", columns) }
    let weights = pool.vectors("weights", weightCount(usesOfLines))
    let numbers = pool.vectors("numbers of lanes", access.numberVectors)
    let temporaries = pool.remainingVectors("pixels under way", atLeast: 2)
    let masks = pool.masks("sources after the first", access.sources - 1)

    let tiles = pool.integer("tiles")
    let weight = pool.integer("weights")
    let distance = pool.integer("distances of lines")
    let steps = pool.integer("steps")
    let scratch = pool.integer("scratch")
    let input = pool.integer("input")
    let lanes = pool.integer("lanes' numbers")
    let outputColumn = pool.integer("output column")
    // The addresses of the current line in each source.
    let lines =
      [scratch]
      + pool.integers(
        "lines of further sources", access.sources - 1, of: LaneReading.maximalSources - 1)
    // Bytes from a plane's pixel to the vector that is computed.
    let vector = pool.integer("vector")

    let reader = LaneReader(access: access, numbers: numbers, masks: masks)
    var pixelNumber = 0

    /// Adds the products of a batch's taps and one channel of the current step.
    func addProducts(_ batch: Batch, channel: Int) {
      for (source, line) in lines.enumerated() {
        w.load(line, distance + Integer.bytes * (source * lineCount + batch.line))
        w.advance(line, by: input)
      }
      let first = channel * taps.count
      if !keepsWeights {
        for (register, use) in zip(weights, batch.uses) {
          w.load(register, weight + (first + use.tap) * pixelBytes)
        }
      }
      for pixel in pixels(batch) {
        let x = temporaries[pixelNumber % temporaries.count]
        pixelNumber += 1
        reader.load(x, channel: channel, w) { lines[$0] + pixel * pixelBytes }
        for (register, use) in zip(weights, batch.uses) {
          let (column, rest) = (pixel - taps[use.tap][2]).quotientAndRemainder(
            dividingBy: columnStep)
          guard rest == 0, sums[use.row].indices.contains(column) else { continue }
          let weight = keepsWeights ? weights[first + use.tap] : register
          w.multiplyAdd(sums[use.row][column], x, weight)
        }
      }
    }

    /// Adds the products of a step.
    func addProducts() {
      reader.loadTable(lanes, w)
      for channel in 0..<access.channels {
        for batch in batches { addProducts(batch, channel: channel) }
      }
    }

    /// Computes one vector of the outputs of a tile.
    func computeVector() {
      let all = sums.flatMap { $0 }
      w.load(scratch, w.argument(LaneField.startOfSums))
      w.load(all[0], scratch + vector)
      for sum in all.dropFirst() { w.copy(sum, all[0]) }
      w.load(distance, w.argument(LaneField.lineDistances) + vector)
      if isPermuted { w.load(lanes, w.argument(LaneField.lanes) + vector) }
      if !keepsWeights {
        w.load(weight, w.argument(LaneField.weights))
        w.advance(weight, by: vector)
      }
      if isSingleStep {
        addProducts()
      } else {
        w.load(steps, w.argument(LaneField.steps))
        // A phase of a transposed convolution may have no taps, and so no steps.
        w.loop(steps, .perhapsNever, isAligned: true) {
          addProducts()
          w.advance(distance, by: Integer.bytes * lineCount * access.sources)
          w.advance(weight, by: access.channels * taps.count * pixelBytes)
          if isPermuted {
            w.advance(lanes, by: access.numbersPerStep * MemoryLayout<Int32>.size)
          }
        }
      }
      // Weights that stay in registers must survive the epilogue.
      let free = keepsWeights ? temporaries : weights + temporaries
      let outputs = OutputRow.all(
        all.map { [$0] }, rows: rows, planes: 1, columnStep: outputStep, pointer: scratch,
        column: outputColumn, vector: vector, unit)
      Epilogue(addsResidual: addsResidual, activation: activation).write(
        outputs, sums: all, free: free, table: steps, w)
    }

    w.function(pool) {
      w.load(weight, w.argument(LaneField.weights))
      if keepsWeights {
        for (index, register) in weights.prefix(access.channels * taps.count).enumerated() {
          w.load(register, weight + index * pixelBytes)
        }
      }
      // The loop over bands is in the code, since calls cost too much on small maps.
      w.loop(w.argument(LaneField.bands), scratch: scratch) {
        w.load(tiles, w.argument(.tiles))
        w.load(input, w.argument(.inputs))
        w.clear(outputColumn)
        w.loop(tiles) {
          w.load(vector, w.argument(LaneField.firstVector))
          w.loop(vector, step: unit.vectorBytes, before: w.argument(LaneField.endOfVectors)) {
            computeVector()
          }
          w.advance(input, by: columns * columnStep * pixelBytes)
          w.advance(outputColumn, by: columns * outputStep)
        }
        w.load(scratch, w.argument(LaneField.inputBandStep))
        w.advance(w.argument(.inputs), by: scratch)
        w.load(scratch, w.argument(LaneField.outputBandStep))
        for row in 0..<rows { w.advance(w.argument(.outputs, row), by: scratch) }
      }
    }
  }
}
