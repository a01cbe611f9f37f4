extension X86.Assembler {
  /// Appends a vector instruction: with VEX where it suffices, since it is shorter, otherwise with
  /// EVEX.
  ///
  /// EVEX is for 512 bits, registers 16…31, masks and embedded broadcasts.
  func append(_ opcode: VectorOpcode, _ fields: VectorFields) {
    let name = opcode.name
    precondition(
      opcode.widths.contains(fields.width), "\(name) has no form of width \(fields.width)")
    precondition(
      !fields.rm.isBroadcast || opcode.memory.hasBroadcast, "\(name) cannot broadcast from memory")
    if let mask = fields.mask {
      precondition(mask.register != X86.k0, "\(name): k0 cannot mask; choose k1 to k7")
    }
    if opcode.encodings != .evex && fits(fields) {
      appendVEX(opcode, fields)
    } else {
      precondition(
        opcode.encodings != .vex,
        "\(name) has registers 0 to 15, xmm and ymm only, and neither masks nor broadcasts")
      appendEVEX(opcode, fields)
    }
  }

  /// Whether VEX can encode the instruction.
  private func fits(_ fields: VectorFields) -> Bool {
    if case .register(16...) = fields.rm { return false }
    return fields.width < .zmm && fields.reg < 16 && fields.vvvv < 16 && fields.mask == nil
      && !fields.rm.isBroadcast
  }

  /// Appends the instruction with a VEX prefix of two bytes if these suffice, otherwise of three.
  ///
  /// Source: Intel's Software Developer's Manual, volume 2, 2.3.5.
  private func appendVEX(_ opcode: VectorOpcode, _ fields: VectorFields) {
    let r = bit3(fields.reg)
    let x = bit3(fields.rm.indexNumber)
    let b = bit3(fields.rm.baseNumber)
    // The register fields of VEX are complemented.
    let tail = (~fields.vvvv & 15) << 3 | fields.width.field << 2 | opcode.prefix.rawValue
    if x == 0 && b == 0 && opcode.map == .x0F {
      append(0xC5)
      append((r ^ 1) << 7 | tail)
    } else {
      append(0xC4)
      append((r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | opcode.map.rawValue)
      append(tail)
    }
    append(opcode.byte)
    appendModRM(fields.reg, fields.rm)
    if let immediate = fields.immediate { append(immediate) }
  }

  /// Appends the instruction with an EVEX prefix, which has four bytes.
  ///
  /// Source: Intel's Software Developer's Manual, volume 2, 2.7.1.
  private func appendEVEX(_ opcode: VectorOpcode, _ fields: VectorFields) {
    let x =
      switch fields.rm {
      case .register(let number): bit4(number)  // X is rm's fifth bit where there is no index.
      case .memory: bit3(fields.rm.indexNumber)
      }
    let rxb = bit3(fields.reg) << 2 | x << 1 | bit3(fields.rm.baseNumber)
    append(0x62)
    append((rxb ^ 7) << 5 | (bit4(fields.reg) ^ 1) << 4 | opcode.map.rawValue)
    append((~fields.vvvv & 15) << 3 | 0b100 | opcode.prefix.rawValue)
    append(
      (fields.mask?.zeroes == true ? 0x80 : 0) | fields.width.field << 5
        | (fields.rm.isBroadcast ? 0x10 : 0) | (bit4(fields.vvvv) ^ 1) << 3
        | (fields.mask?.register.number ?? 0))
    append(opcode.byte)
    let unit = fields.rm.isBroadcast ? 4 : opcode.memory.bytes(in: fields.width)
    appendModRM(fields.reg, fields.rm, unit: unit)
    if let immediate = fields.immediate { append(immediate) }
  }
}
