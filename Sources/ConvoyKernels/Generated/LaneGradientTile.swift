import ConvoyAssembler
import ConvoyTensors

/// The inner loop of a weight gradient lane by lane: depthwise and narrow groups,
///
///     sum[tap] += Σ over pixels of x[pixel + tap] · g[pixel]
///
/// for some taps of one input channel of the groups. A tile holds rows × columns pixels of the gradient
/// in registers, and meets each pixel of the image once: it serves every tap and every row of the tile
/// that reads it. Sums stay in registers for all of a call's pixels.
struct LaneGradientTile: TileDescription {
  let machine: Machine
  /// Rows of a tile.
  var rows: Int
  /// Columns of a tile.
  var columns: Int
  /// Where each tap reads, in pixels; the least depth, row and column are 0.
  var taps: [Extents]
  /// Pixels of the image from a row of the gradient to the next.
  var rowStep: Int
  /// Pixels of the image from a column of the gradient to the next.
  var columnStep: Int
  /// How pixels are read.
  var access: LaneTile.Access
  /// Which of the channels that stand in a vector, if there are several.
  var channel = 0

  /// A tap and a pixel of the tile, whose product a pixel of the image belongs to.
  private typealias Use = (tap: Int, pixel: Int)

  /// General registers that hold the distances of lines.
  private static let lineRegisters = [r8, r9, r10, r11, rbx, rbp, r12, r13, r14]

  private var lines: [LaneTile.Line] { LaneTile.lines(taps, rows: rows, rowStep: rowStep) }

  /// Sums of each tap: where taps are few, neighbouring pixels have sums of their own, so that enough are
  /// under way at once.
  private var setCount: Int {
    max(1, min(machine.chainCount / taps.count, rows * columns))
  }

  private var numberCount: Int { access.numbersPerStep > 0 ? access.sources : 0 }

  /// Registers that are left for pixels of the image.
  private var temporaryCount: Int {
    machine.registerCount - taps.count * setCount - rows * columns - numberCount
  }

  /// Whether registers hold the tile.
  var fits: Bool {
    temporaryCount >= machine.temporaryCount
      && lines.count * access.sources <= LaneGradientTile.lineRegisters.count
  }

  /// For each pixel of the image that a tile reads, what it is multiplied with; by columns, so that
  /// neighbouring multiplications add to different sums.
  private var visits: [(line: Int, column: Int, uses: [Use])] {
    let lines = lines
    var uses: [SIMD2<Int>: [Use]] = [:]
    for (tap, place) in taps.enumerated() {
      for row in 0..<rows {
        let line = LaneTile.Line(place[0], place[1] + row * rowStep)
        guard let number = lines.firstIndex(of: line) else { continue }
        for column in 0..<columns {
          uses[[column * columnStep + place[2], number], default: []].append(
            (tap, row * columns + column))
        }
      }
    }
    return uses.sorted { ($0.key[0], $0.key[1]) < ($1.key[0], $1.key[1]) }.map {
      (line: $0.key[1], column: $0.key[0], uses: $0.value)
    }
  }

  /// What a tile takes, about, in multiplications.
  var cost: Double {
    let (products, loads) = (rows * columns * taps.count, visits.count * access.sources)
    return Double(products) * max(1, Double(machine.chainCount) / Double(2 * setCount * taps.count))
      + 0.4 * Double(loads + rows * columns) + 3
  }

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let pixelBytes = PlaneLayout.lanes * 4

    // Fixed ranges of registers: sums, the gradient's pixels, the lanes' numbers, the image's pixels.
    var next = 0
    func registers(_ count: Int) -> [VectorRegister] {
      defer { next += count }
      return (next..<next + count).map { VectorRegister($0, width) }
    }
    let sums = (0..<setCount).map { _ in registers(taps.count) }
    let gradients = registers(rows * columns)
    let numbers = registers(numberCount)
    let temporaries = registers(machine.registerCount - next)

    let arguments = rdi
    let (image, gradient, tiles, bands, pitch) = (rsi, rdx, rcx, rax, r15)
    let masks = [k1, k2, k3].prefix(access.sources - 1)
    let lineCount = lines.count
    let distances = Array(LaneGradientTile.lineRegisters.prefix(lineCount * access.sources))
    let saved = distances.filter { [rbx, rbp, r12, r13, r14].contains($0) } + [pitch]

    func load(_ x: VectorRegister, line: Int, column: Int) {
      func address(_ source: Int) -> Address {
        image + distances[source * lineCount + line] + column * pixelBytes
      }
      switch access {
      case .plain: a.vmovups(x, [address(0)])
      case .permuted:
        a.vpermps(x, numbers[0], [address(0)])
        for (source, mask) in masks.enumerated() {
          a.vpermps(x, numbers[source + 1], [address(source + 1)], mask: .merging(mask))
        }
      case .pairs: channel == 0 ? a.vmovsldup(x, [address(0)]) : a.vmovshdup(x, [address(0)])
      case .quads: a.vpermilps(x, [address(0)], UInt8(channel * 0b01_01_01_01))
      }
    }

    a.preserving(saved) {
      a.mov(tiles, [arguments + .sums])
      for (tap, sum) in sums[0].enumerated() { a.vmovups(sum, [tiles + tap * pixelBytes]) }
      for sum in sums.dropFirst().joined() { a.clear(sum) }
      if !numbers.isEmpty {
        a.mov(tiles, [arguments + .laneNumbers])
        for (source, register) in numbers.enumerated() {
          a.vmovups(register, [tiles + source * pixelBytes])
        }
        for (source, mask) in masks.enumerated() {
          a.kmovw(mask, [tiles + (numbers.count * pixelBytes + 4 * source)])
        }
      }
      for (index, distance) in distances.enumerated() {
        a.mov(distance, [arguments + (GradientArguments.Field.offsets.rawValue + 8 * index)])
      }
      a.mov(pitch, [arguments + .gradientPitch])
      a.walkingRows(
        arguments: arguments, image: image, gradient: gradient, rows: bands, scratch: tiles
      ) {
        a.mov(tiles, [arguments + .columns])
        a.align(to: 32)
        a.repeating(tiles) {
          for row in 0..<rows {
            for column in 0..<columns {
              let place = gradient + column * pixelBytes
              // A tile is at most two rows high.
              a.vmovups(gradients[row * columns + column], [row == 0 ? place : place + pitch])
            }
          }
          for (number, visit) in visits.enumerated() {
            let x = temporaries[number % temporaries.count]
            load(x, line: visit.line, column: visit.column)
            for use in visit.uses {
              a.vfmadd231ps(sums[use.pixel % setCount][use.tap], x, gradients[use.pixel])
            }
          }
          a.add(image, columns * columnStep * pixelBytes)
          a.add(gradient, columns * pixelBytes)
        }
      }
      a.mov(tiles, [arguments + .sums])
      for (tap, sum) in sums[0].enumerated() {
        for others in sums.dropFirst() { a.vaddps(sum, sum, others[tap]) }
        a.vmovups([tiles + tap * pixelBytes], sum)
      }
    }
    a.vzeroupper()
    a.ret()
    return a.finish(
      "\(machine.name) lane gradient \(rows)x\(columns) \(taps.count) taps \(access) \(channel)")
  }
}
