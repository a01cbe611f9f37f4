extension X86 {
  /// One of the eight mask registers of AVX-512, with a bit for each lane.
  public struct MaskRegister: Hashable, Sendable, CustomStringConvertible {
    /// The register's number in encodings: 0…7.
    public let number: UInt8

    /// The mask register of a number.
    public init(_ number: Int) {
      precondition(0..<8 ~= number, "there is no mask register k\(number), only k0 to k7")
      self.number = UInt8(number)
    }

    /// The name in Intel's manual.
    public var description: String { "k\(number)" }
  }

  /// A mask register that may hold a value but cannot mask an instruction.
  public static let k0 = MaskRegister(0)
  /// A mask register.
  public static let k1 = MaskRegister(1)
  /// A mask register.
  public static let k2 = MaskRegister(2)
  /// A mask register.
  public static let k3 = MaskRegister(3)
  /// A mask register.
  public static let k4 = MaskRegister(4)
  /// A mask register.
  public static let k5 = MaskRegister(5)
  /// A mask register.
  public static let k6 = MaskRegister(6)
  /// A mask register.
  public static let k7 = MaskRegister(7)

  /// The lanes that an instruction of AVX-512 writes, and its effect on the others.
  public enum Masking: Hashable, Sendable, CustomStringConvertible {
    /// Lanes whose bit is clear keep the destination's value. Their memory is not accessed.
    case merging(MaskRegister)
    /// Lanes whose bit is clear become zero. Their memory is not accessed.
    case zeroing(MaskRegister)

    /// The register with a bit for each lane.
    var register: MaskRegister {
      switch self {
      case .merging(let register), .zeroing(let register): register
      }
    }

    /// Whether lanes whose bit is clear become zero.
    var zeroes: Bool { if case .zeroing = self { true } else { false } }

    /// The suffix of the destination in Intel's manual.
    public var description: String { zeroes ? "{\(register)} {z}" : "{\(register)}" }
  }
}
