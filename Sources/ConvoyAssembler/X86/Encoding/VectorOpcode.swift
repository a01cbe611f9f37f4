extension X86 {
  /// The opcode of a vector instruction, as the manual describes it: `VEX.66.0F38.W0 B8 /r`.
  ///
  /// W is 0 in all of them: they operate on 32-bit lanes.
  struct VectorOpcode: Sendable {
    /// The operand-size or repeat prefix that is a field of VEX.
    enum Prefix: UInt8 {
      case none, x66, xF3, xF2
    }

    /// The table of opcodes.
    enum Map: UInt8 {
      case x0F = 1
      case x0F38, x0F3A
    }

    /// The prefixes that the instruction can be encoded with.
    enum Encodings {
      case vexOrEVEX, vex, evex
    }

    /// The size of the instruction's memory operand: the unit of EVEX's disp8·N.
    enum MemorySize {
      /// The size of the vector, or one number that is broadcast.
      case full
      /// The size of the vector; the instruction has no broadcast.
      case vector
      /// Half the size of the vector.
      case half
      /// A number of bytes, independent of the vector's width.
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

  /// The fields of a vector instruction.
  struct VectorFields {
    /// The width, which determines the field L.
    var width: VectorWidth
    /// ModRM.reg: a register's number or an opcode's extension.
    var reg: UInt8
    /// The additional register of VEX and EVEX; 0 if there is none.
    var vvvv: UInt8 = 0
    /// The operand that may be memory.
    var rm: RegisterOrMemory
    /// The lanes that are written.
    var mask: Masking?
    /// The last byte, if there is one.
    var immediate: UInt8?
  }
}
