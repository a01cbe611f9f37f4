/// Writes the one-dimensional maps Bᵀ and Aᵀ of `WinogradTransform` on vectors in registers.
///
/// The rows of ±p have equal even coefficients and opposite odd ones: each half is computed once.
package struct WinogradPasses {
  package var pool: RegisterPool
  private let w: any TileWriter
  private let coefficients: [Vector]
  /// The outputs of a tile in each dimension, 4 or 2; any number for input transforms.
  private let outputs: Int

  /// Begins input transforms: loads the coefficients of Bᵀ other than 0 and ±1.
  package init(inputsTo w: any TileWriter, _ pool: RegisterPool, scratch: Integer) {
    // The rows belong to 0, a, −a, b, −b and ∞; that of ∞ is the row of 0, shifted by one.
    let matrix = WinogradTransform.input
    let values = [matrix[0][2], matrix[1][2], matrix[1][3], matrix[3][2], matrix[3][3]]
    self.init(values, outputs: 4, w, pool, scratch)
  }

  /// Begins output transforms: loads p, p² and p³, or p alone, for both pairs of points.
  ///
  /// - Parameter outputs: rows and columns of a tile, 4 or 2.
  package init(outputsTo w: any TileWriter, _ pool: RegisterPool, outputs: Int, scratch: Integer) {
    let transform: WinogradTransform = outputs == 4 ? .three : .five
    let values = [1, 3].flatMap { transform.output[$0].dropFirst() }
    self.init(values, outputs: outputs, w, pool, scratch)
  }

  private init(
    _ values: [Double], outputs: Int, _ w: any TileWriter, _ pool: RegisterPool,
    _ scratch: Integer
  ) {
    self.w = w
    self.outputs = outputs
    self.pool = pool
    coefficients = self.pool.borrow(values.count)
    let label = w.label()
    w.lay(values.map { Float($0).bitPattern }, at: label)
    w.point(scratch, to: label)
    for (index, register) in coefficients.enumerated() {
      w.broadcast(register, scratch + MemoryLayout<Float>.size * index)
    }
  }

  /// Bᵀ·d: consumes six borrowed registers, and returns six.
  package mutating func input(_ d: [Vector]) -> [Vector] {
    let (zero, evenA, oddA, evenB, oddB) = (
      coefficients[0], coefficients[1], coefficients[2], coefficients[3], coefficients[4]
    )
    let (even, odd) = (pool.borrow(), pool.borrow())
    w.add(d[0], d[0], d[4])
    w.add(d[5], d[5], d[1])
    w.multiplyAdd(d[0], zero, d[2])
    w.multiplyAdd(d[5], zero, d[3])
    w.copy(even, d[4])
    w.copy(odd, d[3])
    w.multiplyAdd(even, evenA, d[2])
    w.multiplyAdd(odd, evenA, d[1])
    // The same halves for the other pair, in place.
    w.multiply(d[2], by: evenB, add: d[4])
    w.multiply(d[1], by: evenB, add: d[3])
    w.copy(d[4], even)
    w.copy(d[3], d[2])
    w.multiplyAdd(d[4], oddA, odd)
    w.multiplyAdd(d[3], oddB, d[1])
    w.multiplySubtract(even, oddA, odd)
    w.multiplySubtract(d[2], oddB, d[1])
    pool.giveBack([odd, d[1]])
    return [d[0], d[4], even, d[3], d[2], d[5]]
  }

  /// Aᵀ·m: consumes six borrowed registers, and returns as many as a tile has outputs.
  package mutating func output(_ m: [Vector]) -> [Vector] {
    outputs == 4 ? fourOutputs(m) : twoOutputs(m)
  }

  private mutating func twoOutputs(_ m: [Vector]) -> [Vector] {
    w.add(m[0], m[0], m[1])
    w.subtract(m[1], m[1], m[2])
    w.add(m[0], m[0], m[2])
    w.multiplyAdd(m[5], coefficients[0], m[1])
    w.add(m[0], m[0], m[3])
    w.subtract(m[3], m[3], m[4])
    w.add(m[0], m[0], m[4])
    w.multiplyAdd(m[5], coefficients[1], m[3])
    pool.giveBack([m[1], m[2], m[3], m[4]])
    return [m[0], m[5]]
  }

  private mutating func fourOutputs(_ m: [Vector]) -> [Vector] {
    let powersA = Array(coefficients[0..<3])
    let powersB = Array(coefficients[3..<6])
    let sumA = pool.borrow()
    w.add(sumA, m[1], m[2])
    w.subtract(m[1], m[1], m[2])
    let (differenceA, sumB, differenceB) = (m[1], m[2], m[3])
    w.add(sumB, m[3], m[4])
    w.subtract(differenceB, m[3], m[4])
    w.add(m[0], m[0], sumA)
    w.multiplyAdd(m[5], powersA[2], differenceA)
    w.multiply(m[4], powersA[0], differenceA)
    w.add(m[0], m[0], sumB)
    w.multiplyAdd(m[5], powersB[2], differenceB)
    w.multiplyAdd(m[4], powersB[0], differenceB)
    w.multiply(sumB, powersB[1], sumB)
    w.multiplyAdd(sumB, powersA[1], sumA)
    pool.giveBack([sumA, differenceA, differenceB])
    return [m[0], m[4], sumB, m[5]]
  }
}

/// The numbers between the two passes of a two-dimensional transform. Numbers for which there are
/// no registers are stored in a buffer in the first-level cache.
package struct WinogradMiddle {
  private let w: any TileWriter
  private let buffer: Integer
  private let heldCount: Int
  private var held: [[Vector]]

  /// - Parameters:
  ///   - lines: the number of groups of six vectors that the second pass transforms.
  ///   - buffer: holds the buffer's address.
  package init(_ w: any TileWriter, lines: Int, buffer: Integer) {
    self.w = w
    self.buffer = buffer
    // 32 registers hold three groups of six besides six coefficients and the registers of a pass.
    heldCount = w.unit.registerCount >= 32 ? 3 : 0
    held = Array(repeating: [], count: lines)
  }

  /// Floats of the buffer.
  package static let bufferCount = 36 * 16

  /// Consumes a result of the first pass: a vector of each line.
  package mutating func put(
    _ vectors: some Sequence<Vector>, _ pool: inout RegisterPool, at index: Int
  ) {
    for (line, vector) in vectors.enumerated() {
      if line < heldCount {
        held[line].append(vector)
      } else {
        w.store(place(line, index), vector)
        pool.giveBack([vector])
      }
    }
  }

  /// The six vectors of a line.
  package func line(_ line: Int, _ pool: inout RegisterPool) -> [Vector] {
    if line < heldCount { return held[line] }
    let vectors = pool.borrow(6)
    for (index, vector) in vectors.enumerated() { w.load(vector, place(line, index)) }
    return vectors
  }

  private func place(_ line: Int, _ index: Int) -> Place {
    buffer + (6 * line + index) * w.unit.vectorBytes
  }
}
