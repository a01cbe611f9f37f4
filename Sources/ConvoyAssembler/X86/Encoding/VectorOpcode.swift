extension X86 {
  /// What the manual's opcode line says of a vector instruction, as in `VEX.66.0F38.W0 B8 /r`.
  ///
  /// W is 0 in all of them: they work on 32-bit lanes.
  struct VectorOpcode: Sendable {
    /// The operand-size or repeat prefix that became a field of VEX.
    enum Prefix: UInt8 {
      case none, x66, xF3, xF2
    }

    /// The table of opcodes.
    enum Map: UInt8 {
      case x0F = 1
      case x0F38, x0F3A
    }

    /// Which prefixes the instruction has.
    enum Encodings {
      case vexOrEVEX, vex, evex
    }

    /// How much of memory the instruction reads or writes: the unit of EVEX's disp8·N.
    enum MemorySize {
      /// As much as the vector, or one number broadcast.
      case full
      /// As much as the vector; the instruction has no broadcast.
      case vector
      /// Half as much as the vector.
      case half
      /// So many bytes, whatever the vector's width.
      case bytes(Int)

      func bytes(in width: VectorWidth) -> Int {
        switch self {
        case .full, .vector: width.rawValue
        case .half: width.rawValue / 2
        case .bytes(let count): count
        }
      }

      var hasBroadcast: Bool { if case .full = self { true } else { false } }
    }

    let name: String
    let prefix: Prefix
    let map: Map
    let byte: UInt8
    let encodings: Encodings
    let memory: MemorySize
    let widths: ClosedRange<VectorWidth>

    init(
      _ name: String, _ prefix: Prefix, _ map: Map, _ byte: UInt8,
      _ encodings: Encodings = .vexOrEVEX, memory: MemorySize = .full,
      widths: ClosedRange<VectorWidth> = .xmm ... .zmm
    ) {
      self.name = name
      self.prefix = prefix
      self.map = map
      self.byte = byte
      self.encodings = encodings
      self.memory = memory
      self.widths = widths
    }
  }

  /// What stands in the fields of a vector instruction.
  struct VectorFields {
    /// The width that decides the field L.
    var width: VectorWidth
    /// ModRM.reg: a register's number or an opcode's extension.
    var reg: UInt8
    /// The additional register of VEX and EVEX; 0 where there is none.
    var vvvv: UInt8 = 0
    /// The operand that may be memory.
    var rm: RegisterOrMemory
    /// Which lanes are written.
    var mask: Masking?
    /// The last byte, where there is one.
    var immediate: UInt8?
  }
}
