@testable import ConvoyAssembler

/// Every form of every instruction, over the operands that encodings distinguish.
///
/// Registers below 8, from 8, from 16 and from 24 differ in prefix bits. As bases, rsp and r12 need
/// SIB, rbp and r13 a displacement. Displacements stand on both sides of each border between one
/// byte and four, counted in bytes (VEX) and in the instruction's unit (EVEX).
final class InstructionCases {
  let a = Assembler(listing: true)
  private var state: UInt64 = 1

  static let numbers = [0, 7, 8, 15, 16, 23, 24, 31]
  static let generals = [rax, rcx, rbx, rsp, rbp, rdi, r8, r12, r13, r15]
  static let bases = [rdi, rsp, rbp, r8, r12, r13]
  static let indices = [rax * 1, rbp * 8, r9 * 4, r12 * 2]

  init() {
    for row in threeOperandRows { three(row) }
    for row in threeOperandAndImmediateRows { threeAndImmediate(row) }
    for row in twoOperandRows { two(row) }
    for row in twoOperandAndImmediateRows { twoAndImmediate(row) }
    for row in shiftRows { shift(row) }
    for row in extractionRows { extraction(row) }
    for row in moveRows { move(row) }
    for row in arithmeticRows { arithmetic(row) }
    singularVectorForms()
    selections()
    masks()
    generalForms()
  }

  /// The numbers of registers that an instruction can name.
  func numbers(_ opcode: VectorOpcode) -> [Int] {
    opcode.encodings == .vex ? Array(Self.numbers.prefix(4)) : Self.numbers
  }

  /// The widths that an instruction has.
  func widths(_ opcode: VectorOpcode) -> [VectorWidth] {
    VectorWidth.allCases.filter {
      opcode.widths.contains($0) && (opcode.encodings != .vex || $0 < .zmm)
    }
  }

  /// No mask, and the ways to mask where the instruction can.
  func maskings(_ opcode: VectorOpcode) -> [Masking?] {
    opcode.encodings == .vex
      ? [nil] : [nil, .merging(k1), .zeroing(k1), .merging(k7), .zeroing(k7)]
  }

  /// One of some choices, pseudo-random but always the same: spreads them over the cases without
  /// multiplying these.
  func next<T>(_ choices: [T]) -> T {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return choices[Int(state >> 33) % choices.count]
  }

  /// Addresses around all borders for displacements in bytes and in units.
  func addresses(unit: Int) -> [Address] {
    let borders = [1, 127, 128, 129].flatMap { $0 == 1 ? [1, unit] : [$0, $0 * unit] }
    let displacements = [0] + (Set(borders).sorted() + [0x1234_5670]).flatMap { [$0, -$0] }
    let plain = Self.bases.flatMap { base in displacements.map { base + $0 } }
    let indexed = Self.bases.flatMap { base in
      Self.indices.flatMap { index in
        [0, 1, 127 * unit, -128 * unit, -0x1234_5670].map { base + index + $0 }
      }
    }
    return plain + indexed
  }

  /// Memory operands for an instruction, broadcasts among them where it has them.
  func memories(_ opcode: VectorOpcode, _ width: VectorWidth) -> [Memory] {
    let plain = addresses(unit: opcode.memory.bytes(in: width)).map { Memory($0) }
    guard opcode.memory.hasBroadcast && opcode.encodings != .vex else { return plain }
    return plain + addresses(unit: 4).map { .broadcast($0) }
  }

  /// General encodings of an instruction's operands in memory.
  var generalMemories: [Memory] { addresses(unit: 1).map { Memory($0) } }
}

extension InstructionCases {
  private func three(_ row: ThreeOperands) {
    for width in widths(row.opcode) {
      let registers = numbers(row.opcode).map { VectorRegister($0, width) }
      for d in registers {
        for s in registers { for t in registers { row(d, s, t) } }
        for mask in maskings(row.opcode) { row(d, next(registers), next(registers), mask: mask) }
      }
      for memory in memories(row.opcode, width) {
        row(next(registers), next(registers), memory, mask: next(maskings(row.opcode)))
        row(next(registers), next(registers), memory)
      }
    }
  }

  private func threeAndImmediate(_ row: ThreeOperandsAndImmediate) {
    for width in widths(row.opcode) {
      let registers = numbers(row.opcode).map { VectorRegister($0, width) }
      let sources = registers.map { $0.resized(to: row.source(width)) }
      for d in registers {
        for s in registers { for t in sources { row(d, s, t, next([0, 1, 85, 255])) } }
        for mask in maskings(row.opcode) { row(d, next(registers), next(sources), 2, mask: mask) }
      }
      for memory in memories(row.opcode, width) {
        row(next(registers), next(registers), memory, 3, mask: next(maskings(row.opcode)))
        row(next(registers), next(registers), memory, 4)
      }
    }
  }

  private func two(_ row: TwoOperands) {
    for width in widths(row.opcode) {
      let registers = numbers(row.opcode).map { VectorRegister($0, width) }
      let sources = registers.map { $0.resized(to: row.source(width)) }
      for d in registers {
        for s in sources { row(d, s) }
        for mask in maskings(row.opcode) { row(d, next(sources), mask: mask) }
      }
      for memory in memories(row.opcode, width) {
        row(next(registers), memory, mask: next(maskings(row.opcode)))
        row(next(registers), memory)
      }
    }
  }

  private func twoAndImmediate(_ row: TwoOperandsAndImmediate) {
    for width in widths(row.opcode) {
      let registers = numbers(row.opcode).map { VectorRegister($0, width) }
      for d in registers {
        for s in registers { row(d, s, next([0, 1, 85, 255])) }
        for mask in maskings(row.opcode) { row(d, next(registers), 2, mask: mask) }
      }
      for memory in memories(row.opcode, width) {
        row(next(registers), memory, 3, mask: next(maskings(row.opcode)))
        row(next(registers), memory, 4)
      }
    }
  }

  private func shift(_ row: ShiftByImmediate) {
    let opcode = VectorOpcode(row.name, .x66, .x0F, row.byte)
    for width in VectorWidth.allCases {
      let registers = Self.numbers.map { VectorRegister($0, width) }
      for d in registers {
        for s in registers { row(d, s, next([0, 1, 31, 255])) }
        for mask in maskings(opcode) { row(d, next(registers), 16, mask: mask) }
      }
      for memory in memories(opcode, width) {
        row(next(registers), memory, 16, mask: next(maskings(opcode)))
      }
    }
  }

  private func extraction(_ row: Extraction) {
    let merging = maskings(row.opcode).filter { $0?.zeroes != true }
    for width in widths(row.opcode) {
      let registers = numbers(row.opcode).map { VectorRegister($0, width) }
      for s in registers {
        for d in registers { row(d.resized(to: row.piece), s, next([0, 1])) }
        for mask in maskings(row.opcode) {
          row(next(registers).resized(to: row.piece), s, 1, mask: mask)
        }
      }
      for memory in memories(row.opcode, width) {
        row(memory, next(registers), 1, mask: next(merging))
      }
    }
  }

  private func move(_ row: Move) {
    let merging = maskings(row.store).filter { $0?.zeroes != true }
    for width in widths(row.load) {
      let registers = numbers(row.load).map { VectorRegister($0, width) }
      for d in registers {
        for s in registers { row(d, s) }
        for mask in maskings(row.load) { row(d, next(registers), mask: mask) }
      }
      for memory in memories(row.load, width) {
        row(next(registers), memory, mask: next(maskings(row.load)))
        row(next(registers), memory)
        row(memory, next(registers), mask: next(merging))
        row(memory, next(registers))
      }
    }
  }

  private func arithmetic(_ row: IntegerOperation) {
    for d in Self.generals {
      for s in Self.generals {
        row(d, s)
        row(d.low32, s.low32)
      }
      for value in [0, 1, -1, 127, 128, -128, -129, 0x1234_5678, -0x8000_0000] {
        row(d, value)
        row(d.low32, value)
      }
    }
    for memory in generalMemories {
      row(next(Self.generals), memory)
      row(next(Self.generals).low32, memory)
      row(memory, next(Self.generals))
      row(memory, next(Self.generals).low32)
    }
  }
}
