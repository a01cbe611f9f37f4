import ConvoyAssembler
import ConvoyTensors

/// The loop of pooling kernels: rows of outputs whose windows have the same number of elements in the
/// image,
///
///     y[column] = scale · Σ over taps, lines of x[line][column · columnStep + tap · tapStep]
///
/// or the largest of them. The lines of each input column are combined once for all the windows that share
/// it, then the columns, in the order of the portable kernel. Arguments are `tiles` tiles of each of
/// `bands` rows, `distances` of the windows' lines, `inputs`, `outputs` and the steps between rows; of an
/// average, the first parameter is the scale.
struct PoolingTile: TileDescription {
  let machine: Machine
  /// Whether windows become their largest number, else their scaled sum.
  var isMaximum: Bool
  /// Lines of a window.
  var lines: Int
  /// Columns of a window.
  var taps: Int
  /// Pixels between neighbouring columns of a window.
  var tapStep: Int
  /// Outputs of a tile, neighbours in a row.
  var columns: Int
  /// Pixels from an output's window to the next one's.
  var columnStep: Int

  private static let lineRegisters = [r8, r9, r10, r11, rbx, rbp, r12, r13]

  /// The most lines a window may have: each has its address in a register.
  static let maximalLines = lineRegisters.count

  /// The input columns that the windows of a tile have, in order, and the outputs that each is part of.
  private var inputColumns: [(column: Int, outputs: [Int])] {
    var outputs: [Int: [Int]] = [:]
    for output in 0..<columns {
      for tap in 0..<taps { outputs[output * columnStep + tap * tapStep, default: []] += [output] }
    }
    return outputs.sorted { $0.key < $1.key }.map { (column: $0.key, outputs: $0.value) }
  }

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let pixelBytes = PlaneLayout.lanes * 4

    // Fixed ranges of registers: results, −∞ or the scale, pixels under way.
    let results = (0..<columns).map { VectorRegister($0, width) }
    let constant = VectorRegister(columns, width)
    let temporaries = (columns + 1..<machine.registerCount).map { VectorRegister($0, width) }
    precondition(temporaries.count >= 2, "a tile must leave registers for pixels")

    let arguments = rdi
    let (tiles, index, output, scratch) = (rsi, rcx, rdx, rax)
    let pointers = PoolingTile.lineRegisters.prefix(lines)
    let constants = ConstantTable(a, width, base: scratch)
    let inputColumns = inputColumns
    var columnNumber = 0

    /// All lines of an input column become one number.
    func combineLines(_ column: Int, part: Int) -> VectorRegister {
      let pair = columnNumber % (temporaries.count / 2) * 2
      columnNumber += 1
      let (sum, x) = (temporaries[pair], temporaries[pair + 1])
      for (line, pointer) in pointers.enumerated() {
        let address = pointer + index + (column * pixelBytes + part * width.rawValue)
        if isMaximum {
          // Of two numbers the second is taken where one of them is none.
          a.vmovups(x, [address])
          a.vmaxps(sum, x, line == 0 ? constant : sum)
        } else if line == 0 {
          a.vmovups(sum, [address])
        } else {
          a.vaddps(sum, sum, [address])
        }
      }
      return sum
    }

    a.preserving(pointers.filter { [rbx, rbp, r12, r13].contains($0) }) {
      if isMaximum {
        constants.load()
        a.vbroadcastss(constant, [constants.address((-Float.infinity).bitPattern)])
      } else {
        a.vbroadcastss(constant, [arguments + .parameters])
      }
      let band = a.here()
      a.mov(scratch, [arguments + .distances])
      for (line, pointer) in pointers.enumerated() {
        a.mov(pointer, [scratch + 8 * line])
        a.add(pointer, [arguments + .inputs])
      }
      a.mov(output, [arguments + .outputs])
      a.mov(tiles, [arguments + .tiles])
      a.xor(index, index)
      a.repeating(tiles) {
        for part in 0..<machine.vectorsPerPlane {
          var isBegun = Set<Int>()
          for (column, outputs) in inputColumns {
            let x = combineLines(column, part: part)
            for output in outputs {
              let result = results[output]
              if isBegun.insert(output).inserted {
                a.vmovaps(result, x)
              } else if isMaximum {
                a.vmaxps(result, x, result)
              } else {
                a.vaddps(result, result, x)
              }
            }
          }
          for (column, result) in results.enumerated() {
            if !isMaximum { a.vmulps(result, result, constant) }
            a.vmovups([output + (column * pixelBytes + part * width.rawValue)], result)
          }
        }
        a.add(index, columns * columnStep * pixelBytes)
        a.add(output, columns * pixelBytes)
      }
      a.mov(scratch, [arguments + .inputBandStep])
      a.add([arguments + .inputs], scratch)
      a.mov(scratch, [arguments + .outputBandStep])
      a.add([arguments + .outputs], scratch)
      a.mov(scratch, [arguments + .bands])
      a.dec(scratch)
      a.mov([arguments + .bands], scratch)
      a.jne(band)
    }
    constants.lay()
    a.vzeroupper()
    a.ret()
    let kind = isMaximum ? "largest" : "average"
    return a.finish("\(machine.name) \(kind) of \(lines)x\(taps), \(columns) columns")
  }
}
