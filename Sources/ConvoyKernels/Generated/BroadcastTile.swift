import ConvoyAssembler
import ConvoyTensors

/// The inner loops of dense convolution: tiles of rows × columns output pixels of up to four planes,
///
///     sum[pixel][plane] = bias[plane] + Σ over pairs of x[pixel + distance[pair]] · w[pair][plane]
///
/// where x is one number, the same for all lanes, and w a vector of 16 output channels. Pairs are of
/// input channel and tap; where each finds its number and its weights stands in a table, so that any
/// channel may lie anywhere and any of the pairs may be left out. Each sum is made in the order of the
/// pairs, whatever the tile: the same bits from every tile.
struct BroadcastTile: TileDescription {
  /// An entry of the table.
  struct Pair: Hashable, Sendable {
    /// Bytes from the pixel a tile begins at to the number.
    var input: Int
    /// Bytes from the first of a plane's weights to the pair's.
    var weights: Int
    /// Bytes from the pixel a tile begins at to a pixel that is fetched ahead, as seen from the next tile.
    var ahead = 0
  }

  let machine: Machine
  /// Rows of a tile: each begins at an address of its own.
  var rows: Int
  /// Columns of a tile.
  var columns: Int
  /// Planes of a tile.
  var planes: Int
  /// Bytes from a column to the next in the input.
  var inputStep: Int
  /// Bytes from a column to the next in the output.
  var outputStep: Int
  /// Whether a line of the next tile's pixels is fetched with each pair: where images come from memory, the
  /// processor does not see by itself that a few lines of many planes will be next.
  var fetchesAhead = false
  /// Whether something is added to each sum.
  var addsResidual = false
  /// Lanes that each output's sum is spread over, of a single plane, with AVX-512: see `PlaneFolding`.
  var factor = 1
  var tail: TileTail

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let parts = machine.vectorsPerPlane
    let vectors = planes * parts
    let pixels = rows * columns

    // Fixed ranges of registers: sums, weights, pixels under way.
    let sums = (0..<pixels).map { pixel in
      (0..<vectors).map { VectorRegister(pixel * vectors + $0, width) }
    }
    let weights = (0..<vectors).map { VectorRegister(pixels * vectors + $0, width) }
    let temporaries = ((pixels + 1) * vectors..<machine.registerCount).map {
      VectorRegister($0, width)
    }
    // One vector a pixel multiplies with a broadcast from memory, which only AVX-512 can.
    let embedsBroadcast = vectors == 1 && width == .zmm
    precondition(factor == 1 || vectors == 1 && width == .zmm, "only a single vector is folded")
    precondition(embedsBroadcast || !temporaries.isEmpty, "a tile must fit the registers")

    let arguments = rdi
    let (tiles, weight, pair, steps) = (rsi, rdx, rcx, rax)
    let (offset, pitch, triplePitch, outputColumn) = (r8, r9, r10, r11)
    let inputs = [rbx, rbp, r12, r13].prefix(rows)
    let ahead = r14

    /// Where a vector of the current pair's weights stands.
    func weightAddress(_ vector: Int) -> Address {
      let (plane, part) = vector.quotientAndRemainder(dividingBy: parts)
      let inPlane = weight + part * width.rawValue
      return switch plane {
      case 0: inPlane
      case 1: inPlane + pitch
      case 2: inPlane + pitch * 2
      default: inPlane + triplePitch
      }
    }

    a.preserving(inputs + (fetchesAhead ? [ahead] : [])) {
      a.mov(tiles, [arguments + .tiles])
      a.mov(pitch, [arguments + .weightPitch])
      a.lea(triplePitch, [pitch + pitch * 2])
      a.xor(outputColumn, outputColumn)
      for (row, input) in inputs.enumerated() { a.mov(input, [arguments + .inputs + 8 * row]) }

      a.repeating(tiles) {
        for vector in 0..<vectors {
          a.vmovups(sums[0][vector], [arguments + .bias + vector * width.rawValue])
          for sum in sums.dropFirst() { a.vmovaps(sum[vector], sums[0][vector]) }
        }
        a.mov(pair, [arguments + .distances])
        a.mov(steps, [arguments + .steps])
        // A phase of a transposed convolution may have no pairs.
        let isSummed = a.label()
        a.test(steps, steps)
        a.je(isSummed)

        a.align(to: 32)
        a.repeating(steps) {
          a.mov(offset, [pair])
          a.mov(weight, [pair + 8])
          a.add(weight, [arguments + .weights])
          if fetchesAhead {
            a.mov(ahead, [pair + 16])
            a.prefetcht0([inputs[0] + ahead + columns * inputStep])
          }
          for vector in 0..<vectors { a.vmovups(weights[vector], [weightAddress(vector)]) }
          for pixel in 0..<pixels {
            let (row, column) = pixel.quotientAndRemainder(dividingBy: columns)
            let address = inputs[row] + offset + column * inputStep
            if embedsBroadcast, factor == 1 {
              a.vfmadd231ps(sums[pixel][0], weights[0], .broadcast(address))
            } else if factor == PlaneLayout.lanes {
              a.vfmadd231ps(sums[pixel][0], weights[0], [address])
            } else {
              let x = temporaries[pixel % temporaries.count]
              a.repeatLanes(x, [address], count: factor)
              for vector in 0..<vectors { a.vfmadd231ps(sums[pixel][vector], x, weights[vector]) }
            }
          }
          a.add(pair, MemoryLayout<Pair>.stride)
        }
        a.place(isSummed)

        let all = sums.flatMap { $0 }
        if factor > 1 {
          a.unfold(
            all, factor: factor, numbers: weights[0], temporaries: temporaries, table: steps,
            scratch: offset)
        }
        if addsResidual {
          for row in 0..<rows {
            for plane in 0..<planes {
              a.mov(offset, [arguments + .outputs + 8 * (plane * rows + row)])
              a.add(offset, [arguments + .residuals + 8 * plane])
              for column in 0..<columns {
                for part in 0..<parts {
                  let sum = sums[row * columns + column][plane * parts + part]
                  let place = offset + outputColumn + (column * outputStep + part * width.rawValue)
                  a.vaddps(sum, sum, [place])
                }
              }
            }
          }
        }
        tail.apply(to: all, free: weights + temporaries, arguments: arguments, table: steps, a)
        for row in 0..<rows {
          for plane in 0..<planes {
            a.mov(offset, [arguments + .outputs + 8 * (plane * rows + row)])
            for column in 0..<columns {
              for part in 0..<parts {
                a.vmovups(
                  [offset + outputColumn + (column * outputStep + part * width.rawValue)],
                  sums[row * columns + column][plane * parts + part])
              }
            }
          }
        }
        for input in inputs { a.add(input, columns * inputStep) }
        a.add(outputColumn, columns * outputStep)
      }
    }
    a.vzeroupper()
    a.ret()
    let shape = "\(rows)x\(columns)x\(planes)/\(factor)"
    let fetches = fetchesAhead ? " ahead" : ""
    return a.finish(
      "\(machine.name) broadcast \(shape) \(tail) \(inputStep) \(outputStep)\(fetches)")
  }
}

extension AddressExpression {
  /// The address of a field of the arguments.
  static func + (base: Self, field: TileArguments.Field) -> Address {
    base + field.rawValue
  }
}

extension Assembler {
  /// Fills a vector with as many numbers, over and over.
  fileprivate func repeatLanes(_ d: VectorRegister, _ s: MemoryOperand, count: Int) {
    switch count {
    case 1: vbroadcastss(d, s)
    case 2: vbroadcastf32x2(d, s)
    case 4: vbroadcastf32x4(d, s)
    default: vbroadcastf32x8(d, s)
    }
  }

  /// Adds up every `factor` neighbouring lanes; the totals go to the first lanes, zeros to the others.
  ///
  /// - Parameters:
  ///   - numbers: will hold lane numbers.
  ///   - temporaries: at least one register.
  ///   - table: will hold their address.
  ///   - scratch: a register that may be overwritten.
  fileprivate func unfold(
    _ sums: [VectorRegister], factor: Int, numbers: VectorRegister, temporaries: [VectorRegister],
    table: GeneralRegister, scratch: GeneralRegister
  ) {
    let lanes = PlaneLayout.lanes
    lea(table, constants((0..<lanes).map { UInt32($0 * factor % lanes) }))
    vmovups(numbers, [table])
    mov(scratch, 1 << (lanes / factor) - 1)
    kmovw(k1, scratch.low32)
    for (index, sum) in sums.enumerated() {
      let other = temporaries[index % temporaries.count]
      // Each lane meets that at a distance of half a factor, then of half as much.
      if factor > 8 { vshuff32x4(other, sum, sum, 0b01_00_11_10) }
      if factor > 8 { vaddps(sum, sum, other) }
      if factor > 4 { vshuff32x4(other, sum, sum, 0b10_11_00_01) }
      if factor > 4 { vaddps(sum, sum, other) }
      if factor > 2 { vpermilps(other, sum, 0b01_00_11_10) }
      if factor > 2 { vaddps(sum, sum, other) }
      vmovshdup(other, sum)
      vaddps(sum, sum, other)
      vpermps(sum, numbers, sum, mask: .zeroing(k1))
    }
  }
}
