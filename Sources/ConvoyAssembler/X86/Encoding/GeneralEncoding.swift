extension X86.Assembler {
  /// Appends an instruction of general registers: REX where needed, opcode, ModRM.
  ///
  /// - Parameters:
  ///   - wide: Whether the operands have 64 bits.
  ///   - field: A register's number or an opcode's extension, for ModRM.reg.
  ///
  /// Source: Intel's Software Developer's Manual, volume 2, 2.2.1.
  func appendGeneral(
    _ opcode: [UInt8], wide: Bool, _ field: UInt8, _ operand: RegisterOrMemory
  ) {
    precondition(!operand.isBroadcast, "only vector instructions broadcast from memory")
    appendREX(
      wide: wide, r: bit3(field), x: bit3(operand.indexNumber), b: bit3(operand.baseNumber))
    for byte in opcode { append(byte) }
    appendModRM(field, operand)
  }

  /// Appends an instruction whose register is in the opcode's low three bits.
  func appendGeneral(_ opcode: UInt8, wide: Bool, plus register: GeneralRegister) {
    appendREX(wide: wide, r: 0, x: 0, b: bit3(register.number))
    append(opcode | register.number & 7)
  }

  /// Appends a REX prefix unless all its bits are clear.
  func appendREX(wide: Bool, r: UInt8, x: UInt8, b: UInt8) {
    let bits = (wide ? 8 : 0) | r << 2 | x << 1 | b
    if bits != 0 { append(0x40 | bits) }
  }

  /// Appends the distance to a label, as 32 bits that count from their end.
  func appendDistance(to label: Label) {
    fixNext(Self.distance, to: label)
    append(littleEndian: Int32(0))
  }

  private static let distance = FixupKind("a distance of 32 bits") { _, distance in
    Int32(exactly: distance - 4).map(UInt32.init(bitPattern:))
  }
}
