import ConvoyAssembler
import ConvoyTensors

/// The input transform V = Bᵀ·d·B of F(4×4, 3×3) and F(2×2, 5×5): patches of 6×6 pixels of one plane, four
/// or two columns apart, into 36 points each. A lane is a channel.
///
/// Patches at the right and at the bottom edge have fewer pixels; those that are missing are zero, and
/// are not read. The outputs that would depend on them lie outside the image.
struct WinogradInputTile: TileDescription {
  let machine: Machine
  /// Columns from a patch to the next.
  var outputs: Int
  /// Rows of a patch that exist, 3 to 6.
  var rows: Int
  /// Columns of a patch that exist.
  var columns: Int

  func generate() -> MachineCode {
    let a = Assembler()
    let arguments = rdi
    let tiles = rsi
    let (input, lowerInput, rowStep) = (rdx, rcx, r8)
    let points = WinogradPoints(
      first: r9, cursor: rax, pitch: r10, triple: r11, five: rbx, six: rbp)
    let buffer = r12

    a.preserving([rbx, rbp, r12]) {
      a.mov(tiles, [arguments + .tiles])
      a.mov(input, [arguments + .inputs])
      a.mov(rowStep, [arguments + .inputBandStep])
      a.lea(lowerInput, [rowStep + rowStep * 2])
      a.add(lowerInput, input)
      a.mov(points.first, [arguments + .outputs])
      a.mov(points.pitch, [arguments + .outputBandStep])
      a.mov(buffer, [arguments + .buffer])
      points.begin(a)
      var passes = WinogradPasses(inputsOf: machine, a, scratch: rax)

      a.repeating(tiles) {
        for part in 0..<machine.vectorsPerPlane {
          let half = part * machine.vectorWidth * 4
          var middle = WinogradMiddle(machine, lines: 6, a, buffer: buffer)
          for column in 0..<6 {
            let patch = passes.pool.take(6)
            for (row, vector) in patch.enumerated() {
              guard row < rows, column < columns else {
                a.clear(vector)
                continue
              }
              let base = row < 3 ? input : lowerInput
              let pixel = row % 3 == 0 ? base.address : base + rowStep * (row % 3)
              a.vmovups(vector, [pixel + (column * PlaneLayout.lanes * 4 + half)])
            }
            middle.put(passes.input(patch), &passes.pool, at: column)
          }
          a.mov(points.cursor, points.first)
          for row in 0..<6 {
            let line = passes.input(middle.line(row, &passes.pool))
            for (column, vector) in line.enumerated() {
              a.vmovups([points.address(column) + half], vector)
            }
            passes.pool.give(line)
            a.add(points.cursor, points.six)
          }
        }
        let step = outputs * PlaneLayout.lanes * 4
        a.add(input, step)
        a.add(lowerInput, step)
        a.add(points.first, PlaneLayout.lanes * 4)
      }
    }
    a.vzeroupper()
    a.ret()
    return a.finish("\(machine.name) winograd input of \(outputs) \(rows)x\(columns)")
  }
}

/// The output transform of F(4×4, 3×3) and F(2×2, 5×5): Y = Aᵀ·M·A, the bias, the tail. A lane is an output channel.
///
/// Tiles at the right and at the bottom edge have fewer pixels; nothing is written beyond them.
struct WinogradOutputTile: TileDescription {
  let machine: Machine
  /// Rows and columns of a whole tile, 4 or 2.
  var outputs: Int
  /// Rows of a tile that are written.
  var rows: Int
  /// Columns of a tile that are written.
  var columns: Int
  /// Whether something is added to each output.
  var addsResidual = false
  var tail: TileTail

  func generate() -> MachineCode {
    let a = Assembler()
    let arguments = rdi
    let tiles = rsi
    let (output, rowStep, tripleStep) = (rdx, rcx, r8)
    let points = WinogradPoints(
      first: r9, cursor: rax, pitch: r10, triple: r11, five: rbx, six: rbp)
    let buffer = r12

    a.preserving([rbx, rbp, r12]) {
      a.mov(tiles, [arguments + .tiles])
      a.mov(output, [arguments + .outputs])
      a.mov(rowStep, [arguments + .outputBandStep])
      a.lea(tripleStep, [rowStep + rowStep * 2])
      a.mov(points.first, [arguments + .inputs])
      a.mov(points.pitch, [arguments + .inputBandStep])
      a.mov(buffer, [arguments + .buffer])
      points.begin(a)
      var passes = WinogradPasses(outputsOf: machine, outputs: outputs, a, scratch: rax)

      a.repeating(tiles) {
        for part in 0..<machine.vectorsPerPlane {
          let half = part * machine.vectorWidth * 4
          var middle = WinogradMiddle(machine, lines: columns, a, buffer: buffer)
          a.mov(points.cursor, points.first)
          for row in 0..<6 {
            let line = passes.pool.take(6)
            for (column, vector) in line.enumerated() {
              a.vmovups(vector, [points.address(column) + half])
            }
            let sums = passes.output(line)
            middle.put(sums.prefix(columns), &passes.pool, at: row)
            passes.pool.give(Array(sums.dropFirst(columns)))
            a.add(points.cursor, points.six)
          }
          for column in 0..<columns {
            let sums = passes.output(middle.line(column, &passes.pool))
            let written = Array(sums.prefix(rows))
            for sum in written { a.vaddps(sum, sum, [arguments + .bias + half]) }
            let inRow = column * PlaneLayout.lanes * 4 + half
            func pixel(_ row: Int) -> Address {
              switch row {
              case 0: output.address
              case 3: output + tripleStep
              default: output + rowStep * row
              }
            }
            if addsResidual {
              for (row, sum) in written.enumerated() {
                a.lea(points.cursor, [pixel(row)])
                a.add(points.cursor, [arguments + .residuals])
                a.vaddps(sum, sum, [points.cursor + inRow])
              }
            }
            tail.apply(
              to: written, free: passes.pool.free, arguments: arguments, table: points.cursor, a)
            for (row, sum) in written.enumerated() { a.vmovups([pixel(row) + inRow], sum) }
            passes.pool.give(sums)
          }
        }
        a.add(output, outputs * PlaneLayout.lanes * 4)
        a.add(points.first, PlaneLayout.lanes * 4)
      }
    }
    a.vzeroupper()
    a.ret()
    return a.finish("\(machine.name) winograd output of \(outputs) \(rows)x\(columns) \(tail)")
  }
}

/// The addresses of the 36 points of a tile, which lie a fixed distance apart: a row of six at a time.
private struct WinogradPoints {
  /// The tile's first point.
  let first: GeneralRegister
  /// The current row's first point.
  let cursor: GeneralRegister
  /// Bytes from a point to the next, and multiples.
  let pitch: GeneralRegister
  let triple: GeneralRegister
  let five: GeneralRegister
  let six: GeneralRegister

  /// Makes the multiples of the pitch.
  func begin(_ a: Assembler) {
    a.lea(triple, [pitch + pitch * 2])
    a.lea(five, [pitch + pitch * 4])
    a.lea(six, [triple + triple])
  }

  /// Where a point of the current row is.
  func address(_ column: Int) -> Address {
    switch column {
    case 0: cursor.address
    case 3: cursor + triple
    case 5: cursor + five
    default: cursor + pitch * column
    }
  }
}
