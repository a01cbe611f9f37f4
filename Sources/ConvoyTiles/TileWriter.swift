package import ConvoyAssembler

/// Writes the code of a kernel's inner loop, a verb at a time. Tiles are written against these verbs alone; what
/// a verb is on a processor, its writer knows: `X86Writer`.
///
/// The function that is written has one argument, the address of a block of arguments, which the register
/// `arguments` holds throughout. Registers come from a `RegisterPool`. Destinations stand first, as in
/// `add(d, a, b)`: d = a + b; they may be among the sources. Lanes are 32-bit floats unless a verb says
/// otherwise, and each operation is rounded once: what is fused, and what is not, is what was written.
///
/// Besides the requirements there are verbs made of them, in the extension below: `add`, `multiplyAdd`, ….
package protocol TileWriter: AnyObject {
  /// The registers that code is written for.
  var unit: VectorUnit { get }
  /// Holds the address of the block of arguments.
  var arguments: Integer { get }

  // MARK: Vectors and memory

  /// d = the vector at a place, which may be anywhere.
  func load(_ d: Vector, _ place: Place)
  /// The vector at a place = s.
  func store(_ place: Place, _ s: Vector)
  /// d = one number at a place, in all lanes.
  func broadcast(_ d: Vector, _ place: Place)
  /// d = `count` numbers at a place, over and over: 1, or 2, 4 or 8 where `VectorUnit.addsNeighbours`.
  func repeatLanes(_ d: Vector, _ place: Place, count: Int)
  /// d = s.
  func copy(_ d: Vector, _ s: Vector)
  /// The vector at a place = s, and back; the place's address is a multiple of 64 bytes.
  func putAside(_ place: Place, _ s: Vector)
  func takeBack(_ d: Vector, _ place: Place)
  /// d = 0.
  func clear(_ d: Vector)
  /// Asks for the cache line at a place, which will be read soon.
  func prefetch(_ place: Place)

  // MARK: Arithmetic

  /// d = a ∘ b.
  func combine(_ operation: Arithmetic, _ d: Vector, _ a: Vector, _ b: Operand)
  /// d = ±x · y + z, rounded once: which of them are d, a and b, the form says.
  func fuse(_ form: FusedForm, _ d: Vector, _ a: Vector, _ b: Operand)
  /// d = √s.
  func squareRoot(_ d: Vector, _ s: Vector)
  /// d = s, shifted as 32-bit integers: to the left, or to the right by a negative count, keeping the sign.
  func shift(_ d: Vector, _ s: Vector, by count: Int)

  // MARK: Choices by lane

  // Each has a register `mask` that it may overwrite, different from its operands unless it says otherwise;
  // processors with registers for masks leave it as it is. Masks that were loaded do not outlive a choice.

  /// d = s in the lanes where a condition holds, other elsewhere.
  func select(
    _ d: Vector, _ s: Operand, where condition: Condition, else other: Vector, _ mask: Vector)
  /// d = s in the lanes where a condition holds; the others stay.
  func replace(_ d: Vector, _ s: Operand, where condition: Condition, _ mask: Vector)
  /// d = s in the lanes where all conditions hold, one or two, and 0 elsewhere; d may be what the last one asks.
  func keep(_ d: Vector, _ s: Vector, where conditions: [Condition], _ mask: Vector)
  /// d = d + s in the lanes where a condition holds; the others stay.
  func add(_ d: Vector, _ s: Vector, where condition: Condition, _ mask: Vector)
  /// d = d · s in the lanes where d is negative; the others stay. The mask must have been through
  /// `prepareMultiplyingNegatives` since it was last changed.
  func multiplyNegatives(_ d: Vector, _ s: Vector, _ mask: Vector)
  func prepareMultiplyingNegatives(_ mask: Vector)

  // MARK: Lanes

  /// d = the vector at a place with its lanes rearranged: lane i takes the lane that lane i of `numbers`, a
  /// 32-bit integer, says. With a mask, only lanes whose bit is set; the others stay.
  func permute(_ d: Vector, _ numbers: Vector, _ place: Place, where mask: LaneMask?)
  /// d = the vector at a place, where of every `count` neighbouring lanes, 2 or 4, all take the one of a number.
  func spread(_ d: Vector, _ place: Place, lane: Int, ofEvery count: Int)
  /// Fills a mask with the bits of a 32-bit integer at a place.
  func loadMask(_ d: LaneMask, _ place: Place)
  /// Adds up every `count` neighbouring lanes of each of some sums: the totals go to the first lanes, zeros to
  /// the others. Only where `VectorUnit.addsNeighbours`.
  ///
  /// - Parameters:
  ///   - numbers: will hold lane numbers.
  ///   - temporaries: at least one register.
  ///   - table: will hold the address of the lane numbers.
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
  /// d = a place's address.
  func point(_ d: Integer, to place: Place)
  /// d = d + a constant.
  func advance(_ d: Integer, by bytes: Int)
  /// d = d + s.
  func advance(_ d: Integer, by s: Integer)
  /// d = d + the integer at a place.
  func advance(_ d: Integer, by place: Place)
  /// The integer at a place is advanced by s.
  func advance(_ place: Place, by s: Integer)

  // MARK: Loops

  /// Runs a body as often as a register says, which ends at 0.
  ///
  /// - Parameters:
  ///   - times: `atLeastOnce` where the register is never 0 to begin with; this saves a jump.
  ///   - isAligned: whether the loop is so short that it should begin at a multiple of 32 bytes.
  func loop(_ counter: Integer, _ times: LoopTimes, isAligned: Bool, _ body: () -> Void)
  /// Runs a body as often as an integer in memory says, at least once; it ends at 0.
  ///
  /// - Parameter scratch: a register that is overwritten after each run.
  func loop(_ counter: Place, scratch: Integer, _ body: () -> Void)
  /// Runs a body for a register's values from where it is, in steps, to before a limit in memory; at least
  /// once.
  func loop(_ register: Integer, step: Int, before limit: Place, _ body: () -> Void)
  /// Runs a body for every whole group of as many items as a register says, and another for each item that is
  /// left over.
  func loop(
    _ counter: Integer, inGroupsOf size: Int, _ body: () -> Void, rest: () -> Void)

  // MARK: Constants and the function itself

  /// A new label, for constants.
  func label() -> Label
  /// d = the address of constants, wherever the code will stand.
  func point(_ d: Integer, to label: Label)
  /// Lays 32-bit numbers behind the code, aligned for whole vectors, after those that were laid before.
  func lay(_ words: [UInt32], at label: Label)
  /// Writes the function: keeps, for the caller, those registers that callers expect to be kept and a pool has
  /// handed out, runs a body and returns.
  ///
  /// - Parameter pool: has handed out every integer register that the body changes.
  func function(_ pool: RegisterPool, _ body: () -> Void)
  /// The code, with its constants behind it.
  func finish(_ name: String) -> MachineCode
}

/// Operations of two vectors.
package enum Arithmetic: Hashable, Sendable, CaseIterable {
  case add, subtract, multiply, divide
  /// The larger; the second where they are equal or one is not a number.
  case maximum
  /// The smaller; the second where they are equal or one is not a number.
  case minimum
  /// Bit by bit.
  case and, xor
  /// As 32-bit integers, wrapping.
  case addIntegers, subtractIntegers
}

/// What is computed by a fused multiply-add of three operands.
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

/// How often a loop runs at least.
package enum LoopTimes: Hashable, Sendable {
  case perhapsNever, atLeastOnce
}

// MARK: - Verbs made of others

extension TileWriter {
  /// d = a ∘ b.
  package func combine(
    _ operation: Arithmetic, _ d: Vector, _ a: Vector, _ b: some OperandConvertible
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

  /// d = the larger of a and b; b where they are equal or one is not a number.
  package func maximum(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.maximum, d, a, b.operand)
  }

  /// d = the smaller of a and b; b where they are equal or one is not a number.
  package func minimum(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    combine(.minimum, d, a, b.operand)
  }

  /// d = d + a · b.
  package func multiplyAdd(_ d: Vector, _ a: Vector, _ b: some OperandConvertible) {
    fuse(.sum, d, a, b.operand)
  }

  /// d = d + a · the number at a place, the same for all lanes; only where `VectorUnit.embedsBroadcast`.
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

  /// Runs a body as often as a register says, at least once; the register ends at 0.
  package func loop(_ counter: Integer, _ body: () -> Void) {
    loop(counter, .atLeastOnce, isAligned: false, body)
  }
}
