/// The registers of a processor, which are allocated by name.
///
/// A tile whose values stay in registers allocates them in order, from the lowest, before it writes
/// any code: `let sums = pool.vectors("sums", 12)`. Registers of temporary values are borrowed from
/// the other end.
package struct RegisterPool {
  private let unit: VectorUnit
  /// Vector registers that are not allocated.
  package private(set) var free: [Vector]
  /// Integer registers that are allocated, in order.
  package private(set) var integers: [Integer] = []
  private var nextInteger = 0
  private var nextMask = 0

  /// Integer registers that tiles may allocate, besides that of the arguments.
  package static let integerCount = 14

  package init(_ unit: VectorUnit) {
    self.unit = unit
    free = (0..<unit.registerCount).map(Vector.init)
  }

  /// Some vector registers, in order.
  package mutating func vectors(_ name: String, _ count: Int) -> [Vector] {
    precondition(
      count <= free.count,
      "\(unit.name) has \(free.count) vector registers left, but \(name) take \(count)")
    defer { free.removeFirst(count) }
    return Array(free.prefix(count))
  }

  /// A vector register.
  package mutating func vector(_ name: String) -> Vector { vectors(name, 1)[0] }

  /// All vector registers that are not allocated, at least as many as requested.
  package mutating func remainingVectors(_ name: String, atLeast count: Int = 0) -> [Vector] {
    precondition(
      count <= free.count,
      "\(unit.name) has \(free.count) vector registers left, but \(name) take at least \(count)")
    return vectors(name, free.count)
  }

  /// An integer register.
  package mutating func integer(_ name: String) -> Integer { integers(name, 1)[0] }

  /// Some integer registers.
  ///
  /// - Parameter places: the number of registers that are reserved. Reserved registers that code
  ///   does not use cost nothing, and keep the numbers of the registers after them unchanged.
  package mutating func integers(
    _ name: String, _ count: Int, of places: Int? = nil
  ) -> [Integer] {
    let first = nextInteger
    nextInteger += places ?? count
    precondition(
      count <= places ?? count && nextInteger <= RegisterPool.integerCount,
      "there are \(RegisterPool.integerCount) integer registers, which \(name) exceed")
    let registers = (first..<first + count).map(Integer.init)
    integers += registers
    return registers
  }

  /// Some mask registers.
  package mutating func masks(_ name: String, _ count: Int) -> [LaneMask] {
    precondition(unit.hasMasks || count == 0, "\(unit.name) has no registers for \(name)")
    defer { nextMask += count }
    return (nextMask..<nextMask + count).map(LaneMask.init)
  }

  /// A vector register for a temporary value.
  package mutating func borrow() -> Vector {
    precondition(!free.isEmpty, "the values of a tile must fit the registers of \(unit.name)")
    return free.removeLast()
  }

  /// Vector registers for temporary values.
  package mutating func borrow(_ count: Int) -> [Vector] { (0..<count).map { _ in borrow() } }

  /// Returns registers of temporary values.
  package mutating func giveBack(_ vectors: [Vector]) { free += vectors }
}
