import ConvoyAssembler
import ConvoyTensors

/// The loop of a pooling's gradient: a row of the image, each element of which takes what it is due from
/// the windows that hold it.
///
///     y[column] = Σ over rows of windows, windows  (place[window] = this element's) · gradient[window]
///
/// where a row of windows has two pixels for each, as `FirstLargestTile` leaves them; or, of an average,
/// the sum of rows that have a pixel for each column. Arguments are `tiles` tiles, `outputs`, and `steps`
/// rows, perhaps none, of each of which `distances` holds the address and, of a maximum, that of the places
/// that the row's windows have in the image's row, 32 bytes apart.
struct PoolingGradientTile: TileDescription {
  /// Which windows hold a column of the image.
  struct Window: Hashable, Sendable {
    /// Columns of a window.
    var taps: Int
    /// Pixels between neighbouring columns of a window.
    var tapStep: Int
    /// Pixels from a window to the next one.
    var step: Int
    /// Where a tile's first column lies, from the beginning of the window that the row's address is of.
    var phase: Int
  }

  let machine: Machine
  /// The windows of a maximum; nil where rows are added up.
  var window: Window?
  /// The image's columns in a tile; of whole tiles a multiple of the windows' step.
  var columns: Int

  /// The most columns of a tile: registers hold their sums, a window's places and gradient, and a mask.
  static func maximalColumns(_ machine: Machine) -> Int { machine.registerCount - 3 }

  /// The windows that hold columns of a tile, from the one that the row's address is of, and which.
  private func uses(of window: Window) -> [(window: Int, columns: [(column: Int, tap: Int)])] {
    var uses: [Int: [(column: Int, tap: Int)]] = [:]
    for column in 0..<columns {
      for tap in 0..<window.taps {
        let corner = window.phase + column - tap * window.tapStep
        let (index, rest) = corner.flooredQuotientAndRemainder(dividingBy: window.step)
        if rest == 0 { uses[index, default: []] += [(column: column, tap: tap)] }
      }
    }
    return uses.sorted { $0.key < $1.key }.map { (window: $0.key, columns: $0.value) }
  }

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let pixelBytes = PlaneLayout.lanes * 4

    precondition(columns <= PoolingGradientTile.maximalColumns(machine), "a tile is too wide")
    let sums = (0..<columns).map { VectorRegister($0, width) }
    let others = (columns..<columns + 3).map { VectorRegister($0, width) }
    let (places, gradient, mask) = (others[0], others[1], others[2])

    let arguments = rdi
    let (tiles, output, index) = (rsi, r8, r9)
    let (rows, list, row, place) = (rcx, rdx, rax, r10)

    /// Adds what a row of windows gives.
    func add(_ window: Window, partOffset: Int) {
      for (number, columns) in uses(of: window) {
        let address = row + index + (number * 2 * pixelBytes + partOffset)
        a.vmovups(places, [address])
        a.vmovups(gradient, [address + pixelBytes])
        for (column, tap) in columns {
          let wanted = MemoryOperand.repeated(place + 32 * tap, width)
          if width == .zmm {
            a.vcmpps(k1, places, wanted, .equal)
            a.vaddps(sums[column], sums[column], gradient, mask: .merging(k1))
          } else {
            a.vcmpps(mask, places, wanted, .equal)
            a.vandps(mask, mask, gradient)
            a.vaddps(sums[column], sums[column], mask)
          }
        }
      }
    }

    a.mov(tiles, [arguments + .tiles])
    a.mov(output, [arguments + .outputs])
    a.xor(index, index)
    a.repeating(tiles) {
      for part in 0..<machine.vectorsPerPlane {
        let partOffset = part * width.rawValue
        let end = a.label()
        for sum in sums { a.clear(sum) }
        a.mov(list, [arguments + .distances])
        a.mov(rows, [arguments + .steps])
        a.test(rows, rows)
        a.je(end)
        a.repeating(rows) {
          a.mov(row, [list + 0])
          if let window {
            a.mov(place, [list + 8])
            add(window, partOffset: partOffset)
          } else {
            for (column, sum) in sums.enumerated() {
              a.vaddps(sum, sum, [row + index + (column * pixelBytes + partOffset)])
            }
          }
          a.add(list, 16)
        }
        a.place(end)
        for (column, sum) in sums.enumerated() {
          a.vmovups([output + (column * pixelBytes + partOffset)], sum)
        }
      }
      let advance = window.map { columns / $0.step * 2 } ?? columns
      a.add(index, advance * pixelBytes)
      a.add(output, columns * pixelBytes)
    }
    a.vzeroupper()
    a.ret()
    let kind = window.map { "largest of \($0.taps)" } ?? "average"
    return a.finish("\(machine.name) gradient of \(kind), \(columns) columns")
  }
}

extension Int {
  /// The quotient rounded down, and a remainder that is not negative.
  func flooredQuotientAndRemainder(dividingBy divisor: Int) -> (quotient: Int, remainder: Int) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
