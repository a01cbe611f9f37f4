import ConvoyAssembler
import ConvoyTensors

/// The inner loop of a dense convolution's weight gradient,
///
///     sum[pair][plane] += Σ over pixels of x[pixel + distance[pair]] · g[pixel][plane]
///
/// where x is one number, the same for all lanes, and g a vector of 16 output channels: `BroadcastTile`
/// with pixels and pairs of input channel and tap exchanged. Sums stay in registers for all of a call's
/// pixels.
struct BroadcastGradientTile: TileDescription {
  /// Where a pair reads.
  struct Read: Hashable, Sendable {
    /// Which of the tile's lines.
    var line: Int
    /// Floats from where the line's first pair reads.
    var distance: Int
  }

  let machine: Machine
  /// Planes of the gradient.
  var planes: Int
  /// The pairs.
  var reads: [Read]
  /// Bytes from a pixel to the next in the image, and in the gradient.
  var imageStep: Int
  var gradientStep: Int

  /// The most lines of a tile: each has a register.
  static let maximalLines = 4

  func generate() -> MachineCode {
    let a = Assembler()
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    let parts = machine.vectorsPerPlane
    let vectors = planes * parts

    // Fixed ranges of registers: sums, the gradient's pixel, numbers of the image under way.
    let sums = reads.indices.map { pair in
      (0..<vectors).map { VectorRegister(pair * vectors + $0, width) }
    }
    let first = reads.count * vectors
    let gradients = (first..<first + vectors).map { VectorRegister($0, width) }
    let temporaries = (first + vectors..<machine.registerCount).map { VectorRegister($0, width) }
    // One vector a pixel multiplies with a broadcast from memory, which only AVX-512 can.
    let embedsBroadcast = vectors == 1 && width == .zmm
    precondition(embedsBroadcast || !temporaries.isEmpty, "a tile must fit the registers")

    let arguments = rdi
    let (image, gradient, columns, rows) = (rsi, rdx, rcx, rax)
    let lineCount = (reads.map(\.line).max() ?? 0) + 1
    let lines = [r8, r9, r10, r11].prefix(lineCount)
    let otherPlanes = [rbx, rbp, r12].prefix(planes - 1)

    /// Visits every sum with its place in memory.
    func forEachSum(_ body: (VectorRegister, MemoryOperand) -> Void) {
      let (place, pitch) = (columns, rows)
      a.mov(place, [arguments + .sums])
      a.mov(pitch, [arguments + .sumsPitch])
      for plane in 0..<planes {
        for pair in reads.indices {
          for part in 0..<parts {
            let distance = pair * PlaneLayout.lanes * 4 + part * width.rawValue
            body(sums[pair][plane * parts + part], [place + distance])
          }
        }
        a.add(place, pitch)
      }
    }

    a.preserving(Array(otherPlanes)) {
      forEachSum { a.vmovups($0, $1) }
      for (index, register) in (lines + otherPlanes).enumerated() {
        a.mov(register, [arguments + (GradientArguments.Field.offsets.rawValue + 8 * index)])
      }
      a.walkingRows(
        arguments: arguments, image: image, gradient: gradient, rows: rows, scratch: columns
      ) {
        a.mov(columns, [arguments + .columns])
        a.align(to: 32)
        a.repeating(columns) {
          for vector in 0..<vectors {
            let (plane, part) = vector.quotientAndRemainder(dividingBy: parts)
            let place = gradient + part * width.rawValue
            a.vmovups(gradients[vector], [plane == 0 ? place : place + otherPlanes[plane - 1]])
          }
          for (pair, read) in reads.enumerated() {
            let address = image + lines[read.line] + read.distance * 4
            if embedsBroadcast {
              a.vfmadd231ps(sums[pair][0], gradients[0], .broadcast(address))
            } else {
              let x = temporaries[pair % temporaries.count]
              a.vbroadcastss(x, [address])
              for vector in 0..<vectors { a.vfmadd231ps(sums[pair][vector], x, gradients[vector]) }
            }
          }
          a.add(image, imageStep)
          a.add(gradient, gradientStep)
        }
      }
      forEachSum { a.vmovups($1, $0) }
    }
    a.vzeroupper()
    a.ret()
    return a.finish("\(machine.name) broadcast gradient \(reads.count)x\(planes)")
  }
}
