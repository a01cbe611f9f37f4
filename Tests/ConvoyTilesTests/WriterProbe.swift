import ConvoyAssembler
import ConvoyKernels
import ConvoyTiles

/// Runs a few verbs on numbers: a function whose arguments are vectors and integers themselves.
struct WriterProbe {
  /// The registers of every machine that this one can be and that code is generated for.
  static let units = Machine.available.map(\.unit).filter(\.generatesCode)

  let unit: VectorUnit
  let w: any TileWriter
  /// Registers for the verbs, the operands first.
  private(set) var vectors: [Vector] = []
  private var pool: RegisterPool
  let integers: [Integer]

  init(_ unit: VectorUnit) {
    self.unit = unit
    w = unit.writer()
    pool = RegisterPool(unit)
    vectors = pool.vectors("all", unit.registerCount)
    integers = pool.integers("all", RegisterPool.integerCount)
  }

  /// Where an operand stands, in all lanes of a vector or each in its own.
  func operand(_ index: Int) -> Place { w.arguments + index * 64 }
  /// Where a result goes.
  func result(_ index: Int) -> Place { w.arguments + (1024 + index * 64) }
  /// Where an integer stands.
  func integer(_ index: Int) -> Place { w.arguments + (2048 + index * Integer.bytes) }

  /// Writes a body, with the operands in the first vector registers, and runs it.
  ///
  /// - Returns: the first of the results, and the integers afterwards.
  func run(
    _ operands: [[Float]] = [], _ integers: [Int] = [], results: Int = 1, _ body: () -> Void
  ) throws -> (results: [[Float]], integers: [Int]) {
    w.function(pool) {
      for index in operands.indices { w.load(vectors[index], operand(index)) }
      body()
    }
    let code = try ExecutableMemory([w.finish("probe")])
    let block = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)
    defer { block.deallocate() }
    block.initializeMemory(as: UInt8.self, repeating: 0, count: 4096)
    for (index, operand) in operands.enumerated() {
      for (lane, number) in operand.prefix(16).enumerated() {
        block.storeBytes(
          of: number, toByteOffset: index * 64 + lane * MemoryLayout<Float>.size, as: Float.self)
      }
    }
    for (index, integer) in integers.enumerated() {
      block.storeBytes(of: integer, toByteOffset: 2048 + index * 8, as: Int.self)
    }
    typealias Function = @convention(c) (UnsafeMutableRawPointer) -> Void
    withExtendedLifetime(code) { code.function(as: Function.self)(block) }
    let found = (0..<results).map { result in
      (0..<unit.lanes).map { lane in
        block.load(
          fromByteOffset: 1024 + result * 64 + lane * MemoryLayout<Float>.size, as: Float.self)
      }
    }
    return (
      found,
      integers.indices.map { block.load(fromByteOffset: 2048 + $0 * 8, as: Int.self) }
    )
  }
}

/// Numbers of which each pair that matters meets in some lane: signs, zeros, infinities, none.
enum SpecialNumbers {
  static let some: [Float] = [
    1.5, -2.25, 0, -0.0, .infinity, -.infinity, .nan, 3e38, -1e-30, 7, -7, 0.1, 2, -1, 100, 4,
  ]

  /// The numbers, beginning at another one.
  static func rotated(by count: Int) -> [Float] {
    some.indices.map { some[($0 + count) % some.count] }
  }
}

/// Whether two numbers are the same, which all that are none are.
func isSame(_ a: Float, _ b: Float) -> Bool {
  a.isNaN ? b.isNaN : a.bitPattern == b.bitPattern
}
