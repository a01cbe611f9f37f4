extension X86 {
  /// The operand that ModRM's fields mod and rm describe.
  enum RegisterOrMemory {
    case register(UInt8)
    case memory(Memory)

    /// The number of the register, or of the memory operand's base.
    var baseNumber: UInt8 {
      switch self {
      case .register(let number): number
      case .memory(let memory): memory.address.base.number
      }
    }

    /// The number of the memory operand's index; 0 where there is none.
    var indexNumber: UInt8 {
      if case .memory(let memory) = self { memory.address.index?.register.number ?? 0 } else { 0 }
    }

    /// Whether this is a number in memory that is broadcast to all lanes.
    var isBroadcast: Bool {
      if case .memory(let memory) = self { memory.isBroadcast } else { false }
    }
  }
}

/// Bit 3 of a register's number, which is encoded in a prefix.
func bit3(_ number: UInt8) -> UInt8 { number >> 3 & 1 }

/// Bit 4 of a register's number, which is encoded in EVEX only.
func bit4(_ number: UInt8) -> UInt8 { number >> 4 & 1 }

extension X86.Assembler {
  /// Appends ModRM, and SIB and displacement if there are any.
  ///
  /// - Parameters:
  ///   - field: A register's number or an opcode's extension, for ModRM.reg.
  ///   - unit: The unit of a displacement of one byte: the N of EVEX's disp8·N, otherwise 1.
  ///
  /// Source: Intel's Software Developer's Manual, volume 2, 2.1.3 and 2.7.5.
  func appendModRM(_ field: UInt8, _ operand: RegisterOrMemory, unit: Int = 1) {
    let reg = (field & 7) << 3
    switch operand {
    case .register(let number): append(0b11_000_000 | reg | number & 7)
    case .memory(let memory): appendMemory(reg, memory.address, unit: unit)
    }
  }

  private func appendMemory(_ reg: UInt8, _ address: Address, unit: Int) {
    let base = address.base.number & 7
    // rbp and r13 without displacement are encoded as "no base", so they always have one.
    let displacement = Displacement(address.displacement, unit: unit, required: base == 5)
    // rm = 4 means that SIB follows, so rsp and r12 can be bases only there.
    if address.index != nil || base == 4 {
      append(displacement.mode << 6 | reg | 4)
      let scale = UInt8((address.index?.scale ?? 1).trailingZeroBitCount)
      // Index 4, the number of rsp, means "no index".
      append(scale << 6 | ((address.index?.register.number ?? 4) & 7) << 3 | base)
    } else {
      append(displacement.mode << 6 | reg | base)
    }
    switch displacement {
    case .none: break
    case .byte(let byte): append(UInt8(bitPattern: byte))
    case .long(let long): append(littleEndian: long)
    }
  }
}

extension X86 {
  /// The encoding of a displacement: none, a byte that counts units, or 32 bits.
  enum Displacement {
    case none
    case byte(Int8)
    case long(Int32)

    init(_ bytes: Int32, unit: Int, required: Bool) {
      let (units, remainder) = Int(bytes).quotientAndRemainder(dividingBy: unit)
      if bytes == 0 && !required {
        self = .none
      } else if remainder == 0, let byte = Int8(exactly: units) {
        self = .byte(byte)
      } else {
        self = .long(bytes)
      }
    }

    /// ModRM.mod.
    var mode: UInt8 {
      switch self {
      case .none: 0
      case .byte: 1
      case .long: 2
      }
    }
  }
}
