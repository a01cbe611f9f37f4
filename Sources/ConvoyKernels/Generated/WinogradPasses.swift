import ConvoyAssembler

/// Vector registers that hold nothing, for generators whose values come and go.
struct RegisterPool {
  private(set) var free: [VectorRegister]

  init(_ machine: Machine) {
    let width: VectorWidth = machine.instructions == .avx512 ? .zmm : .ymm
    free = (0..<machine.registerCount).map { VectorRegister($0, width) }
  }

  mutating func take() -> VectorRegister {
    precondition(!free.isEmpty, "the values of a generated kernel must fit the registers")
    return free.removeLast()
  }

  mutating func take(_ count: Int) -> [VectorRegister] { (0..<count).map { _ in take() } }

  mutating func give(_ registers: [VectorRegister]) { free += registers }
}

/// Emits the one-dimensional maps Bᵀ and Aᵀ of `WinogradTransform` on vectors in registers.
///
/// The rows of ±p have the same even coefficients and opposite odd ones: each half is computed once.
struct WinogradPasses {
  var pool: RegisterPool
  private let a: Assembler
  private let coefficients: [VectorRegister]
  /// Outputs of a tile in each dimension, 4 or 2; any for input transforms.
  private let outputs: Int

  /// Begins input transforms: loads the coefficients of Bᵀ that are neither 0 nor ±1.
  init(inputsOf machine: Machine, _ a: Assembler, scratch: GeneralRegister) {
    // Rows belong to 0, a, −a, b, −b and ∞, whose row is that of 0, one further.
    let matrix = WinogradTransform.input
    let values = [matrix[0][2], matrix[1][2], matrix[1][3], matrix[3][2], matrix[3][3]]
    self.init(values, outputs: 4, machine, a, scratch)
  }

  /// Begins output transforms: loads p, p² and p³, or p alone, for both pairs of points.
  ///
  /// - Parameter outputs: rows and columns of a tile, 4 or 2.
  init(
    outputsOf machine: Machine, outputs: Int, _ a: Assembler, scratch: GeneralRegister
  ) {
    let transform: WinogradTransform = outputs == 4 ? .three : .five
    let values = [1, 3].flatMap { transform.output[$0].dropFirst() }
    self.init(values, outputs: outputs, machine, a, scratch)
  }

  private init(
    _ values: [Double], outputs: Int, _ machine: Machine, _ a: Assembler,
    _ scratch: GeneralRegister
  ) {
    self.a = a
    self.outputs = outputs
    pool = RegisterPool(machine)
    coefficients = pool.take(values.count)
    a.lea(scratch, a.constants(values.map { Float($0).bitPattern }))
    for (index, register) in coefficients.enumerated() {
      a.vbroadcastss(register, [scratch + 4 * index])
    }
  }

  /// Bᵀ·d: takes over six registers, and gives six.
  mutating func input(_ d: [VectorRegister]) -> [VectorRegister] {
    let (zero, evenA, oddA, evenB, oddB) = (
      coefficients[0], coefficients[1], coefficients[2], coefficients[3], coefficients[4]
    )
    let (even, odd) = (pool.take(), pool.take())
    a.vaddps(d[0], d[0], d[4])
    a.vaddps(d[5], d[5], d[1])
    a.vfmadd231ps(d[0], zero, d[2])
    a.vfmadd231ps(d[5], zero, d[3])
    a.vmovaps(even, d[4])
    a.vmovaps(odd, d[3])
    a.vfmadd231ps(even, evenA, d[2])
    a.vfmadd231ps(odd, evenA, d[1])
    // The same halves for the other pair, in place.
    a.vfmadd213ps(d[2], evenB, d[4])
    a.vfmadd213ps(d[1], evenB, d[3])
    a.vmovaps(d[4], even)
    a.vmovaps(d[3], d[2])
    a.vfmadd231ps(d[4], oddA, odd)
    a.vfmadd231ps(d[3], oddB, d[1])
    a.vfnmadd231ps(even, oddA, odd)
    a.vfnmadd231ps(d[2], oddB, d[1])
    pool.give([odd, d[1]])
    return [d[0], d[4], even, d[3], d[2], d[5]]
  }

  /// Aᵀ·m: takes over six registers, and gives as many as a tile has outputs.
  mutating func output(_ m: [VectorRegister]) -> [VectorRegister] {
    outputs == 4 ? fourOutputs(m) : twoOutputs(m)
  }

  private mutating func twoOutputs(_ m: [VectorRegister]) -> [VectorRegister] {
    a.vaddps(m[0], m[0], m[1])
    a.vsubps(m[1], m[1], m[2])
    a.vaddps(m[0], m[0], m[2])
    a.vfmadd231ps(m[5], coefficients[0], m[1])
    a.vaddps(m[0], m[0], m[3])
    a.vsubps(m[3], m[3], m[4])
    a.vaddps(m[0], m[0], m[4])
    a.vfmadd231ps(m[5], coefficients[1], m[3])
    pool.give([m[1], m[2], m[3], m[4]])
    return [m[0], m[5]]
  }

  private mutating func fourOutputs(_ m: [VectorRegister]) -> [VectorRegister] {
    let powersA = Array(coefficients[0..<3])
    let powersB = Array(coefficients[3..<6])
    let sumA = pool.take()
    a.vaddps(sumA, m[1], m[2])
    a.vsubps(m[1], m[1], m[2])
    let (differenceA, sumB, differenceB) = (m[1], m[2], m[3])
    a.vaddps(sumB, m[3], m[4])
    a.vsubps(differenceB, m[3], m[4])
    a.vaddps(m[0], m[0], sumA)
    a.vfmadd231ps(m[5], powersA[2], differenceA)
    a.vmulps(m[4], powersA[0], differenceA)
    a.vaddps(m[0], m[0], sumB)
    a.vfmadd231ps(m[5], powersB[2], differenceB)
    a.vfmadd231ps(m[4], powersB[0], differenceB)
    a.vmulps(sumB, powersB[1], sumB)
    a.vfmadd231ps(sumB, powersA[1], sumA)
    pool.give([sumA, differenceA, differenceB])
    return [m[0], m[4], sumB, m[5]]
  }
}

/// The numbers between the two passes of a two-dimensional transform: what registers cannot hold lies in
/// a buffer in the first-level cache.
struct WinogradMiddle {
  private let a: Assembler
  private let buffer: GeneralRegister
  private let heldCount: Int
  private var held: [[VectorRegister]]

  /// - Parameter lines: how many sixes of vectors the second pass takes.
  init(_ machine: Machine, lines: Int, _ a: Assembler, buffer: GeneralRegister) {
    self.a = a
    self.buffer = buffer
    // 32 registers hold three sixes beside six coefficients and what a pass works on.
    heldCount = machine.registerCount == 32 ? 3 : 0
    held = Array(repeating: [], count: lines)
  }

  /// Floats of the buffer.
  static let bufferCount = 36 * 16

  /// Takes over a result of the first pass: a vector of each line.
  mutating func put(
    _ vectors: some Sequence<VectorRegister>, _ pool: inout RegisterPool, at index: Int
  ) {
    for (line, vector) in vectors.enumerated() {
      if line < heldCount {
        held[line].append(vector)
      } else {
        a.vmovups([address(line, index, vector)], vector)
        pool.give([vector])
      }
    }
  }

  /// The six vectors of a line.
  func line(_ line: Int, _ pool: inout RegisterPool) -> [VectorRegister] {
    if line < heldCount { return held[line] }
    let vectors = pool.take(6)
    for (index, vector) in vectors.enumerated() {
      a.vmovups(vector, [address(line, index, vector)])
    }
    return vectors
  }

  private func address(_ line: Int, _ index: Int, _ vector: VectorRegister) -> Address {
    buffer + (6 * line + index) * vector.width.rawValue
  }
}
