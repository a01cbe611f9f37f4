import ConvoyAssembler
import ConvoyTensors

/// The loop that finds, for each window of a row and each channel, the first of the window's largest
/// elements: what a maximum's gradient needs to know.
///
/// A window's elements have numbers, its places. Where the windows' rows go to, each has two pixels, as
/// `PoolingGradientTile` reads them: the places found, as floats, and its gradient. Arguments are `tiles`
/// tiles, `inputs` (the first window's first element, then its gradient), `outputs`, and `steps` lines of a
/// window, of each of which `distances` holds the bytes from the first and where, from `weights` on, the
/// place of its first element stands, 32 bytes from that of the next.
struct FirstLargestTile: TileDescription {
  let machine: Machine
  /// Columns of a window.
  var taps: Int
  /// Pixels between neighbouring columns of a window.
  var tapStep: Int
  /// Windows of a tile, neighbours in a row.
  var columns: Int
  /// Pixels from a window to the next one.
  var columnStep: Int

  /// The windows of a tile that an input column is part of, and as which of their columns; in order.
  private var inputColumns: [(column: Int, uses: [(window: Int, tap: Int)])] {
    var uses: [Int: [(window: Int, tap: Int)]] = [:]
    for window in 0..<columns {
      for tap in 0..<taps {
        uses[window * columnStep + tap * tapStep, default: []] += [(window: window, tap: tap)]
      }
    }
    return uses.sorted { $0.key < $1.key }.map { (column: $0.key, uses: $0.value) }
  }

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let pixelBytes = PlaneLayout.lanes * 4

    // Fixed ranges of registers: the largest so far, their places, the pixel under way.
    precondition(
      2 * columns + 2 <= machine.registerCount, "a tile must leave registers for a pixel")
    let largest = (0..<columns).map { VectorRegister($0, width) }
    let places = (columns..<2 * columns).map { VectorRegister($0, width) }
    let (x, mask) = (VectorRegister(2 * columns, width), VectorRegister(2 * columns + 1, width))

    let arguments = rdi
    let (tiles, input, gradient, output) = (rsi, r8, r9, r10)
    let (lines, line, pointer, place) = (rcx, rdx, rax, r11)

    /// Goes to the line whose description is next.
    func pointToLine() {
      a.mov(pointer, [line + 0])
      a.add(pointer, input)
      a.mov(place, [line + 8])
      a.add(place, [arguments + .weights])
    }

    /// Takes an element that is larger than those before it.
    func meet(_ window: Int, tap: Int) {
      let number = MemoryOperand.repeated(place + 32 * tap, width)
      if width == .zmm {
        a.vcmpps(k1, x, largest[window], .greater)
        a.vblendmps(places[window], places[window], number, mask: .merging(k1))
      } else {
        a.vcmpps(mask, x, largest[window], .greater)
        a.vblendvps(places[window], places[window], number, mask)
      }
      // Of two numbers the second is taken where one of them is none, as where neither is greater.
      a.vmaxps(largest[window], x, largest[window])
    }

    a.mov(tiles, [arguments + .tiles])
    a.mov(input, [arguments + .inputs])
    a.mov(gradient, [arguments + .inputs + 8])
    a.mov(output, [arguments + .outputs])
    a.repeating(tiles) {
      for part in 0..<machine.vectorsPerPlane {
        let partOffset = part * width.rawValue
        a.mov(lines, [arguments + .steps])
        a.mov(line, [arguments + .distances])
        pointToLine()
        for window in 0..<columns {
          a.vmovups(largest[window], [pointer + (window * columnStep * pixelBytes + partOffset)])
          a.vbroadcastss(places[window], [place + 0])
        }
        a.repeating(lines) {
          pointToLine()
          for (column, uses) in inputColumns {
            a.vmovups(x, [pointer + (column * pixelBytes + partOffset)])
            for (window, tap) in uses { meet(window, tap: tap) }
          }
          a.add(line, 16)
        }
        for window in 0..<columns {
          let result = output + (window * 2 * pixelBytes + partOffset)
          a.vmovups([result], places[window])
          a.vmovups(x, [gradient + (window * pixelBytes + partOffset)])
          a.vmovups([result + pixelBytes], x)
        }
      }
      a.add(input, columns * columnStep * pixelBytes)
      a.add(gradient, columns * pixelBytes)
      a.add(output, columns * 2 * pixelBytes)
    }
    a.vzeroupper()
    a.ret()
    return a.finish("\(machine.name) first largest of \(taps), \(columns) columns")
  }
}
