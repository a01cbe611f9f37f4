package import ConvoyAssembler

/// Writes the code of a micro-kernel, operation by operation. Tiles depend on these operations
/// alone; the writer of a processor, such as `X86Writer`, translates them to instructions.
///
/// The function that is written has one argument, the address of a block of arguments, which the
/// register `arguments` holds throughout. Registers come from a `RegisterPool`. Destinations come
/// first, as in `add(d, a, b)`: d = a + b; they may be among the sources. Lanes are 32-bit floats
/// unless an operation says otherwise, and each operation is rounded once: multiplications and
/// additions are fused only where a fused operation is written.
///
/// Besides the requirements there are operations made of them, in the extension below: `add`,
/// `multiplyAdd`, ….
package protocol TileWriter: AnyObject {
  /// The registers that code is written for.
  var unit: VectorUnit { get }
  /// Holds the address of the block of arguments.
  var arguments: Integer { get }

  // MARK: Vectors and memory

  /// d = the vector at a place of any alignment.
  func load(_ d: Vector, _ place: Place)
  /// The vector at a place = s.
  func store(_ place: Place, _ s: Vector)
  /// d = one number at a place, in all lanes.
  func broadcast(_ d: Vector, _ place: Place)
  /// d = `count` numbers at a place, repeated: 1, or 2, 4 or 8 where `VectorUnit.addsNeighbours`.
  func repeatLanes(_ d: Vector, _ place: Place, count: Int)
  /// d = s.
  func copy(_ d: Vector, _ s: Vector)
  /// The vector at a place = s, and the reverse; the place's address is a multiple of 64 bytes.
  func putAside(_ place: Place, _ s: Vector)
  func takeBack(_ d: Vector, _ place: Place)
  /// d = 0.
  func clear(_ d: Vector)
  /// Prefetches the cache line at a place.
  func prefetch(_ place: Place)

  // MARK: Arithmetic

  /// d = a ∘ b.
  func combine(_ operation: VectorOperation, _ d: Vector, _ a: Vector, _ b: Operand)
  /// d = ±x · y + z, rounded once; the form says which of them are d, a and b.
  func fuse(_ form: FusedForm, _ d: Vector, _ a: Vector, _ b: Operand)
  /// d = √s.
  func squareRoot(_ d: Vector, _ s: Vector)
  /// d = s, shifted as 32-bit integers: to the left, or to the right by a negative count,
  /// preserving the sign.
  func shift(_ d: Vector, _ s: Vector, by count: Int)

  // MARK: Choices by lane

  // Each has a register `mask` that it may overwrite, different from its operands unless it says
  // otherwise. Processors with mask registers leave it unchanged. Masks that were loaded may
  // be overwritten by these operations.

  /// d = s in the lanes where a condition holds, other elsewhere.
  func select(
    _ d: Vector, _ s: Operand, where condition: Condition, else other: Vector, _ mask: Vector)
  /// d = s in the lanes where a condition holds; the others are unchanged.
  func replace(_ d: Vector, _ s: Operand, where condition: Condition, _ mask: Vector)
  /// d = s in the lanes where one or two conditions all hold, and 0 elsewhere; d may be the operand
  /// of the last condition.
  func keep(_ d: Vector, _ s: Vector, where conditions: [Condition], _ mask: Vector)
  /// d = d + s in the lanes where a condition holds; the others are unchanged.
  func add(_ d: Vector, _ s: Vector, where condition: Condition, _ mask: Vector)
  /// d = d · s in the lanes where d is negative; the others are unchanged.
  /// `prepareMultiplyingNegatives` must have been called for the mask since it was last changed.
  func multiplyNegatives(_ d: Vector, _ s: Vector, _ mask: Vector)
  func prepareMultiplyingNegatives(_ mask: Vector)

  // MARK: Lanes

  /// d = the vector at a place with its lanes permuted: lane i takes the lane whose index is the
  /// 32-bit integer in lane i of `numbers`. With a mask, only lanes whose bit is set are changed.
  func permute(_ d: Vector, _ numbers: Vector, _ place: Place, where mask: LaneMask?)
  /// d = the vector at a place, where each group of `count` neighbouring lanes, 2 or 4, is filled
  /// with one lane of the group.
  func spread(_ d: Vector, _ place: Place, lane: Int, ofEvery count: Int)
  /// Sets a mask to the bits of a 32-bit integer at a place.
  func loadMask(_ d: LaneMask, _ place: Place)
  /// Adds each group of `count` neighbouring lanes of several sums. The totals are in the first
  /// lanes, zeros in the others. Only where `VectorUnit.addsNeighbours`.
  ///
  /// - Parameters:
  ///   - numbers: the register that is set to permutation indices.
  ///   - temporaries: at least one register.
  ///   - table: the register that is set to the address of the permutation indices.
  ///   - scratch: a register that may be overwritten.
  func addNeighbours(
    _ sums: [Vector], count: Int, numbers: Vector, temporaries: [Vector], table: Integer,
    scratch: Integer)

  // MARK: Integers

  /// d = the 64-bit integer at a place.
  func load(_ d: Integer, _ place: Place)
  /// The 64-bit integer at a place = s.
  func store(_ place: Place, _ s: Integer)
  /// d = s.
  func copy(_ d: Integer, _ s: Integer)
  /// d = 0.
  func clear(_ d: Integer)
  /// d = the address of a place.
  func point(_ d: Integer, to place: Place)
  /// d = d + a constant.
  func advance(_ d: Integer, by bytes: Int)
  /// d = d + s.
  func advance(_ d: Integer, by s: Integer)
  /// d = d + the integer at a place.
  func advance(_ d: Integer, by place: Place)
  /// The integer at a place = itself + s.
  func advance(_ place: Place, by s: Integer)

  // MARK: Loops

  /// Runs a body as many times as a register holds, which ends at 0.
  ///
  /// - Parameters:
  ///   - times: `atLeastOnce` if the register is never 0 at the beginning; this saves a jump.
  ///   - isAligned: whether the loop is so short that it should begin at a multiple of 32 bytes.
  func loop(_ counter: Integer, _ times: LoopTimes, isAligned: Bool, _ body: () -> Void)
  /// Runs a body as many times as an integer in memory holds, at least once; it ends at 0.
  ///
  /// - Parameter scratch: a register that is overwritten after each iteration.
  func loop(_ counter: Place, scratch: Integer, _ body: () -> Void)
  /// Runs a body for the values of a register, from its current one in steps up to, but not
  /// including, a limit in memory; at least once.
  func loop(_ register: Integer, step: Int, before limit: Place, _ body: () -> Void)
  /// Runs a body for every whole group of a number of items that a register holds, and another for
  /// each remaining item.
  func loop(
    _ counter: Integer, inGroupsOf size: Int, _ body: () -> Void, rest: () -> Void)

  // MARK: Constants and the function itself

  /// A new label, for constants.
  func label() -> Label
  /// d = the address of constants, independent of the address of the code.
  func point(_ d: Integer, to label: Label)
  /// Stores 32-bit numbers after the code and after earlier numbers, aligned for whole vectors.
  func lay(_ words: [UInt32], at label: Label)
  /// Writes the function: preserves, for the caller, the registers of the calling convention that a
  /// pool has allocated, runs a body and returns.
  ///
  /// - Parameter pool: the pool from which every integer register that the body changes was
  ///   allocated.
  func function(_ pool: RegisterPool, _ body: () -> Void)
  /// The code, followed by its constants.
  func finish(_ name: String) -> MachineCode
}

/// Operations of two vectors.
package enum VectorOperation: Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide
  /// The larger operand; the second where they are equal or one is NaN.
  case maximum
  /// The smaller operand; the second where they are equal or one is NaN.
  case minimum
  /// Bit by bit.
  case and, xor
  /// As 32-bit integers, wrapping.
  case addIntegers, subtractIntegers
}

/// The form of a fused multiply-add of three operands.
package enum FusedForm: Hashable, Sendable, CaseIterable {
  /// d = d + a · b.
  case sum
  /// d = d − a · b.
  case difference
  /// d = a · d + b.
  case product
  /// d = −a · d + b.
  case negatedProduct
}

/// The smallest number of iterations of a loop.
package enum LoopTimes: Hashable, Sendable {
  case perhapsNever, atLeastOnce
}

// MARK: - Verbs made of others

extension TileWriter {
  /// d = a ∘ b.
  package func combine(
    _ operation: VectorOperation, _ d: Vector, _ a: Vector, _ b: some OperandConvertible
  ) {
    combine(operation, d, a, b.operand)
  }

  /// d = a + b.
  package func add(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.add, d, a, b.operand)
  }

  /// d = a − b.
  package func subtract(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.subtract, d, a, b.operand)
  }

  /// d = a · b.
  package func multiply(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.multiply, d, a, b.operand)
  }

  /// d = a ∕ b.
  package func divide(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.divide, d, a, b.operand)
  }

  /// d = the larger of a and b; b where they are equal or one is NaN.
  package func maximum(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.maximum, d, a, b.operand)
  }

  /// d = the smaller of a and b; b where they are equal or one is NaN.
  package func minimum(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.minimum, d, a, b.operand)
  }

  /// d = d + a · b.
  package func multiplyAdd(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    fuse(.sum, d, a, b.operand)
  }

  /// d = d + a · the number at a place, broadcast to all lanes; only where
  /// `VectorUnit.embedsBroadcast`.
  package func multiplyAdd(_ d: Vector, _ a: Vector, broadcastAt place: Place) {
    precondition(unit.embedsBroadcast, "\(unit.name) loads what it broadcasts")
    fuse(.sum, d, a, .repeated(place))
  }

  /// d = d − a · b.
  package func multiplySubtract(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    fuse(.difference, d, a, b.operand)
  }

  /// d = d · a + b.
  package func multiply(_ d: Vector, by a: Vector, add b: some OperandConvertible) {
    fuse(.product, d, a, b.operand)
  }

  /// d = b − d · a.
  package func multiply(_ d: Vector, by a: Vector, subtractFrom b: some OperandConvertible) {
    fuse(.negatedProduct, d, a, b.operand)
  }

  /// Runs a body as many times as a register holds, at least once; the register ends at 0.
  package func loop(_ counter: Integer, _ body: () -> Void) {
    loop(counter, .atLeastOnce, isAligned: false, body)
  }
}
