extension X86 {
  /// One of the eight mask registers of AVX-512: a bit a lane.
  public struct MaskRegister: Hashable, Sendable, CustomStringConvertible {
    /// The register's number in encodings: 0…7.
    public let number: UInt8

    /// The mask register of a number.
    public init(_ number: Int) {
      precondition(0..<8 ~= number, "there is no mask register k\(number), only k0 to k7")
      self.number = UInt8(number)
    }

    /// The name that Intel's manual gives it.
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

  /// Which lanes an instruction of AVX-512 writes, and what becomes of the others.
  public enum Masking: Hashable, Sendable, CustomStringConvertible {
    /// Lanes whose bit is clear keep what the destination held. Memory in them is not touched.
    case merging(MaskRegister)
    /// Lanes whose bit is clear become zero. Memory in them is not touched.
    case zeroing(MaskRegister)

    /// The register that holds a bit a lane.
    var register: MaskRegister {
      switch self {
      case .merging(let register), .zeroing(let register): register
      }
    }

    /// Whether lanes whose bit is clear become zero.
    var zeroes: Bool { if case .zeroing = self { true } else { false } }

    /// The suffix that Intel's manual writes after the destination.
    public var description: String { zeroes ? "{\(register)} {z}" : "{\(register)}" }
  }
}
