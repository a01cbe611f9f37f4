import ConvoyAssembler
import ConvoyTensors

/// The inner loops of depthwise and narrowly grouped convolution: tiles of rows × columns output pixels
/// of one plane,
///
///     sum[row][column] = bias + Σ over steps, taps of x[line][column] · w[step][tap]
///
/// where every lane multiplies its own x. A step is an input channel of the groups, or several that
/// stand in the same plane: the lanes of each group then read one lane of their own group. Each pixel
/// is loaded once for all the taps and rows that use it; that, not the multiplications, is what a
/// simple loop would wait for.
///
/// Each sum is made in the order of the taps, whatever the tile: the same bits from every tile.
struct LaneTile: TileDescription {
  /// How a vector of pixels' lanes becomes the vector that is multiplied.
  enum Access: Hashable, Sendable {
    /// As it is.
    case plain
    /// By numbers of lanes, of one vector or put together from several; AVX-512 only if several.
    case permuted(sources: Int)
    /// The two channels of pairs of lanes, one after the other.
    case pairs
    /// The four channels of quadruples of lanes, one after the other.
    case quads

    /// Input channels of a step.
    var channels: Int {
      switch self {
      case .plain, .permuted: 1
      case .pairs: 2
      case .quads: 4
      }
    }

    /// Vectors that each vector of inputs is put together from.
    var sources: Int { if case .permuted(let sources) = self { sources } else { 1 } }

    /// Numbers in the table of lanes that a step takes: 16 a source, and 16 for the masks of the sources
    /// after the first, if any.
    var numbersPerStep: Int {
      guard case .permuted(let sources) = self else { return 0 }
      return PlaneLayout.lanes * (sources == 1 ? 1 : sources + 1)
    }

    /// The most vectors that one may be put together from.
    static let maximalSources = 4
  }

  let machine: Machine
  /// Rows of a tile, which lie below one another in an image.
  var rows: Int
  /// Columns of a tile.
  var columns: Int
  /// Where each tap reads, in pixels; those of a line are in order, and the least column is 0.
  var taps: [Extents]
  /// Pixels from an output row to the next in the input.
  var rowStep: Int
  /// Pixels from an output column to the next in the input.
  var columnStep: Int
  /// Bytes from an output column to the next in the output.
  var outputStep: Int
  /// How pixels are read.
  var access: Access
  /// Whether there is but one step, so that its weights may stay in registers.
  var isSingleStep: Bool
  /// Whether something is added to each sum.
  var addsResidual = false
  /// What is done to the sums.
  var tail: TileTail

  /// A line of the input that a tile reads: depth and row.
  typealias Line = SIMD2<Int>

  /// The lines that tiles of some rows read, in order: for each, a step has a distance.
  static func lines(_ taps: [Extents], rows: Int, rowStep: Int) -> [Line] {
    var lines: [Line] = []
    for row in 0..<rows {
      for tap in taps {
        let line = Line(tap[0], tap[1] + row * rowStep)
        // Few, and mostly the last: not worth a set.
        if lines.last != line, !lines.contains(line) { lines.append(line) }
      }
    }
    return lines.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }
  }

  /// Taps of a line whose weights are in registers together: which row of the tile uses each.
  private struct Batch {
    var line: Int
    var taps: [Use]
  }

  /// A tap that reads a line, and the row of the tile that it serves.
  private typealias Use = (tap: Int, row: Int)

  private var sumCount: Int { rows * columns }

  private var isPermuted: Bool { access.numbersPerStep > 0 }

  /// Registers that could hold weights.
  private var roomForWeights: Int {
    let others = sumCount + (isPermuted ? access.sources : 0) + machine.temporaryCount
    return max(1, machine.registerCount - others)
  }

  /// Whether weights stay in registers. Where a plane is several vectors each has its own, and tiles take
  /// turns at them.
  private var keepsWeights: Bool {
    isSingleStep && machine.vectorsPerPlane == 1 && access.channels * taps.count <= roomForWeights
  }

  /// Registers for weights: what they need not have is left to pixels.
  private func weightCount(_ usesOfLines: [[Use]]) -> Int {
    let mostUses = usesOfLines.reduce(1) { max($0, $1.count) }
    return keepsWeights ? access.channels * taps.count : min(roomForWeights, mostUses)
  }

  /// For each line, the taps that read it and the rows of the tile that they serve.
  private var usesOfLines: [[Use]] {
    let lines = LaneTile.lines(taps, rows: rows, rowStep: rowStep)
    var uses: [[Use]] = Array(repeating: [], count: lines.count)
    for (tap, place) in taps.enumerated() {
      for row in 0..<rows {
        let line = lines.firstIndex(of: Line(place[0], place[1] + row * rowStep))
        if let line { uses[line].append((tap, row)) }
      }
    }
    return uses
  }

  private func batches(_ usesOfLines: [[Use]]) -> [Batch] {
    let size = weightCount(usesOfLines)
    return usesOfLines.enumerated().flatMap { line, uses in
      stride(from: 0, to: uses.count, by: size).map {
        Batch(line: line, taps: Array(uses[$0..<min(uses.count, $0 + size)]))
      }
    }
  }

  /// The pixels of a line that a batch reads, in order.
  private func pixels(_ batch: Batch) -> [Int] {
    let last = batch.taps.reduce(0) { max($0, taps[$1.tap][2]) } + (columns - 1) * columnStep
    var isRead = Array(repeating: false, count: last + 1)
    for use in batch.taps {
      for column in 0..<columns { isRead[column * columnStep + taps[use.tap][2]] = true }
    }
    return isRead.indices.filter { isRead[$0] }
  }

  /// What a tile takes, about, in multiplications.
  var cost: Double {
    let batches = batches(usesOfLines)
    // Pixels may have to come from the second-level cache, weights are always in the first.
    let loads = batches.reduce(0) {
      $0 + 0.75 * Double(pixels($1).count * access.sources)
        + (keepsWeights ? 0 : 0.25 * Double($1.taps.count))
    }
    return Double(max(sumCount, machine.chainCount) * taps.count) + loads
      + Double(2 * sumCount + 4)
  }

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let pixelBytes = PlaneLayout.lanes * 4

    // Fixed ranges of registers: sums, weights, the lanes' numbers, pixels under way.
    let sums = (0..<rows).map { row in
      (0..<columns).map { VectorRegister(row * columns + $0, width) }
    }
    let usesOfLines = usesOfLines
    let weightCount = weightCount(usesOfLines)
    let weights = (sumCount..<sumCount + weightCount).map { VectorRegister($0, width) }
    var next = sumCount + weightCount
    let numbers = (0..<(isPermuted ? access.sources : 0)).map { VectorRegister(next + $0, width) }
    let masks = [k1, k2, k3].prefix(access.sources - 1)
    next += numbers.count
    let temporaries = (next..<machine.registerCount).map { VectorRegister($0, width) }
    precondition(temporaries.count >= 2, "a tile must leave registers for pixels")

    let arguments = rdi
    let (tiles, weight, distance, steps) = (rsi, rdx, rcx, rax)
    let (scratch, input, lanes, outputColumn) = (r8, r9, r10, r11)
    // Bytes from a plane's pixel to the vector that is computed.
    let vector = r13
    // Where the current line is in each source.
    let lines = [r8, rbx, rbp, r12].prefix(access.sources)
    let lineCount = LaneTile.lines(taps, rows: rows, rowStep: rowStep).count
    let batches = batches(usesOfLines)
    var pixelNumber = 0

    func loadPixel(_ x: VectorRegister, channel: Int, column: Int) {
      let address = lines[0] + column * pixelBytes
      switch access {
      case .plain: a.vmovups(x, [address])
      case .permuted:
        a.vpermps(x, numbers[0], [address])
        for (source, mask) in masks.enumerated() {
          let line = lines[source + 1]
          a.vpermps(x, numbers[source + 1], [line + column * pixelBytes], mask: .merging(mask))
        }
      case .pairs: channel == 0 ? a.vmovsldup(x, [address]) : a.vmovshdup(x, [address])
      case .quads: a.vpermilps(x, [address], UInt8(channel * 0b01_01_01_01))
      }
    }

    func addProducts() {
      for (source, register) in numbers.enumerated() {
        a.vmovups(register, [lanes + source * pixelBytes])
      }
      for (source, mask) in masks.enumerated() {
        a.kmovw(mask, [lanes + (numbers.count * pixelBytes + 4 * source)])
      }
      for channel in 0..<access.channels {
        for batch in batches {
          for (source, line) in lines.enumerated() {
            a.mov(line, [distance + 8 * (source * lineCount + batch.line)])
            a.add(line, input)
          }
          let first = channel * taps.count
          if !keepsWeights {
            for (register, use) in zip(weights, batch.taps) {
              a.vmovups(register, [weight + (first + use.tap) * pixelBytes])
            }
          }
          for pixel in pixels(batch) {
            let x = temporaries[pixelNumber % temporaries.count]
            pixelNumber += 1
            loadPixel(x, channel: channel, column: pixel)
            for (register, use) in zip(weights, batch.taps) {
              let (column, rest) = (pixel - taps[use.tap][2]).quotientAndRemainder(
                dividingBy: columnStep)
              guard rest == 0, sums[use.row].indices.contains(column) else { continue }
              let w = keepsWeights ? weights[first + use.tap] : register
              a.vfmadd231ps(sums[use.row][column], x, w)
            }
          }
        }
      }
    }

    a.preserving(Array(lines.dropFirst()) + [vector]) {
      a.mov(weight, [arguments + .weights])
      if keepsWeights {
        for (index, register) in weights.prefix(access.channels * taps.count).enumerated() {
          a.vmovups(register, [weight + index * pixelBytes])
        }
      }
      let band = a.here()
      a.mov(tiles, [arguments + .tiles])
      a.mov(input, [arguments + .inputs])
      a.xor(outputColumn, outputColumn)
      a.repeating(tiles) {
        a.mov(vector, [arguments + .firstVector])
        let vectorTile = a.here()
        let all = sums.flatMap { $0 }
        a.mov(scratch, [arguments + .startOfSums])
        a.vmovups(all[0], [scratch + vector])
        for sum in all.dropFirst() { a.vmovaps(sum, all[0]) }
        a.mov(distance, [arguments + vector + .lineDistances])
        if isPermuted { a.mov(lanes, [arguments + vector + .lanes]) }
        if !keepsWeights {
          a.mov(weight, [arguments + .weights])
          a.add(weight, vector)
        }
        if isSingleStep {
          addProducts()
        } else {
          a.mov(steps, [arguments + .steps])
          // A phase of a transposed convolution may have no taps, and so no steps.
          let isSummed = a.label()
          a.test(steps, steps)
          a.je(isSummed)
          a.align(to: 32)
          a.repeating(steps) {
            addProducts()
            a.add(distance, 8 * lineCount * access.sources)
            a.add(weight, access.channels * taps.count * pixelBytes)
            if isPermuted { a.add(lanes, access.numbersPerStep * 4) }
          }
          a.place(isSummed)
        }
        // Weights that stay must survive the tail.
        let free = keepsWeights ? temporaries : weights + temporaries
        if addsResidual {
          for row in 0..<rows {
            a.mov(scratch, [arguments + .outputs + 8 * row])
            a.add(scratch, [arguments + .residuals])
            a.add(scratch, vector)
            for column in 0..<columns {
              let sum = sums[row][column]
              a.vaddps(sum, sum, [scratch + outputColumn + column * outputStep])
            }
          }
        }
        tail.apply(to: all, free: free, arguments: arguments, table: steps, a)
        for row in 0..<rows {
          a.mov(scratch, [arguments + .outputs + 8 * row])
          a.add(scratch, vector)
          for column in 0..<columns {
            a.vmovups([scratch + outputColumn + column * outputStep], sums[row][column])
          }
        }
        a.add(vector, width.rawValue)
        a.cmp(vector, [arguments + .endOfVectors])
        a.jne(vectorTile)
        a.add(input, columns * columnStep * pixelBytes)
        a.add(outputColumn, columns * outputStep)
      }
      // The next band, if any: calls cost too much on small maps.
      a.mov(scratch, [arguments + .inputBandStep])
      a.add([arguments + .inputs], scratch)
      a.mov(scratch, [arguments + .outputBandStep])
      for row in 0..<rows { a.add([arguments + .outputs + 8 * row], scratch) }
      a.mov(scratch, [arguments + .bands])
      a.dec(scratch)
      a.mov([arguments + .bands], scratch)
      a.jne(band)
    }
    a.vzeroupper()
    a.ret()
    return a.finish("\(machine.name) lanes \(rows)x\(columns) \(taps.count) taps \(access) \(tail)")
  }
}
