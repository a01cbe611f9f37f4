extension X86 {
  /// The width of a vector register; its raw value is in bytes.
  public enum VectorWidth: Int, CaseIterable, Comparable, Sendable {
    /// 128 bits: 4 floats.
    case xmm = 16
    /// 256 bits: 8 floats.
    case ymm = 32
    /// 512 bits: 16 floats.
    case zmm = 64

    /// The number of 32-bit lanes.
    public var lanes: Int { rawValue / 4 }

    /// The narrower width first.
    public static func < (a: VectorWidth, b: VectorWidth) -> Bool { a.rawValue < b.rawValue }

    /// Bits 128, 256, 512 as 0, 1, 2: the field L of VEX and EVEX.
    var field: UInt8 { self == .xmm ? 0 : self == .ymm ? 1 : 2 }
  }

  /// One of the 32 vector registers, with one of its three widths.
  ///
  /// Registers 16…31 and the width `zmm` need AVX-512. Writing a narrow one clears its upper bits.
  public struct VectorRegister: Hashable, Sendable, CustomStringConvertible {
    /// The register's number in encodings: 0…31.
    public let number: UInt8
    /// The width that is used.
    public let width: VectorWidth

    /// The register of a number with a width: for generators of code for several widths.
    public init(_ number: Int, _ width: VectorWidth) {
      precondition(0..<32 ~= number, "there is no vector register \(number), only 0 to 31")
      self.number = UInt8(number)
      self.width = width
    }

    /// The same register at another width.
    public func resized(to width: VectorWidth) -> VectorRegister {
      VectorRegister(Int(number), width)
    }

    /// The name in Intel's manual.
    public var description: String { "\(width)\(number)" }
  }

  /// The vector register of a number, its low 128 bits.
  public static func xmm(_ number: Int) -> VectorRegister { VectorRegister(number, .xmm) }

  /// The vector register of a number, its low 256 bits.
  public static func ymm(_ number: Int) -> VectorRegister { VectorRegister(number, .ymm) }

  /// The vector register of a number, all 512 bits.
  public static func zmm(_ number: Int) -> VectorRegister { VectorRegister(number, .zmm) }
}
