extension X86 {
  /// An expression between an address's brackets: a register, or a sum that begins with one.
  public protocol AddressExpression: Sendable {
    /// The sum: base + index·scale + displacement.
    var address: Address { get }
  }

  /// A sum: base + index·scale + displacement in bytes, as in `rdi + rcx * 4 + 64`.
  public struct Address: AddressExpression, Hashable {
    let base: GeneralRegister
    var index: ScaledIndex?
    var displacement: Int32

    init(base: GeneralRegister, index: ScaledIndex? = nil, displacement: Int = 0) {
      precondition(
        !base.is32Bits, "an address is made of 64-bit registers, but \(base) has 32 bits")
      self.base = base
      self.index = index
      self.displacement = Address.displacement(displacement)
    }

    /// The address itself.
    public var address: Address { self }

    /// The displacement as 32 bits; a larger one is a programmer's error.
    private static func displacement(_ bytes: Int) -> Int32 {
      guard let fits = Int32(exactly: bytes) else {
        preconditionFailure("a displacement must fit 32 bits, but is \(bytes)")
      }
      return fits
    }

    fileprivate func displaced(by bytes: Int) -> Address {
      var sum = self
      sum.displacement = Address.displacement(Int(displacement) + bytes)
      return sum
    }
  }

  /// A register times 1, 2, 4 or 8: the index of an address.
  public struct ScaledIndex: Hashable, Sendable {
    let register: GeneralRegister
    let scale: Int

    init(_ register: GeneralRegister, scale: Int) {
      precondition(
        [1, 2, 4, 8].contains(scale), "an index is scaled by 1, 2, 4 or 8, not \(scale)")
      precondition(!register.is32Bits, "an index is a 64-bit register, but \(register) has 32 bits")
      precondition(register != rsp, "rsp cannot be an index")
      self.register = register
      self.scale = scale
    }
  }
}

extension X86.GeneralRegister: X86.AddressExpression {
  /// The address that the register holds.
  public var address: X86.Address { X86.Address(base: self) }

  /// The register times 1, 2, 4 or 8, to be added to a base.
  public static func * (register: X86.GeneralRegister, scale: Int) -> X86.ScaledIndex {
    X86.ScaledIndex(register, scale: scale)
  }
}

extension X86.AddressExpression {
  /// The address a number of bytes further.
  public static func + (base: Self, bytes: Int) -> X86.Address { base.address.displaced(by: bytes) }

  /// The address a number of bytes before.
  public static func - (base: Self, bytes: Int) -> X86.Address {
    base.address.displaced(by: -bytes)
  }

  /// The address at a scaled index.
  public static func + (base: Self, index: X86.ScaledIndex) -> X86.Address {
    var sum = base.address
    precondition(sum.index == nil, "an address has one index, not two")
    sum.index = index
    return sum
  }

  /// The address at an index in bytes.
  public static func + (base: Self, index: X86.GeneralRegister) -> X86.Address {
    base + X86.ScaledIndex(index, scale: 1)
  }
}

extension X86 {
  /// An operand in memory: `[rdi + 64]`.
  ///
  /// It is written as a literal of one element, as in Intel's manual. `.broadcast(rdi + 64)` is one
  /// 32-bit number, broadcast to all lanes.
  public struct Memory: ExpressibleByArrayLiteral, Hashable, Sendable {
    let address: Address
    let isBroadcast: Bool

    /// The operand at an address.
    public init(_ expression: some AddressExpression) {
      address = expression.address
      isBroadcast = false
    }

    /// The operand at the one address between the brackets.
    public init(arrayLiteral expressions: any AddressExpression...) {
      precondition(expressions.count == 1, "a memory operand is one address between brackets")
      address = expressions[0].address
      isBroadcast = false
    }

    private init(broadcast address: Address) {
      self.address = address
      isBroadcast = true
    }

    /// The 32-bit number at an address, in all lanes: `{1to16}` in Intel's manual.
    public static func broadcast(_ expression: some AddressExpression) -> Memory {
      Memory(broadcast: expression.address)
    }
  }
}

extension X86.Memory {
  /// The operand as in Intel's manual; a broadcast has its number of lanes.
  func text(_ width: X86.VectorWidth) -> String {
    isBroadcast ? "dword ptr \(text){1to\(width.lanes)}" : text
  }

  /// The address between brackets.
  var text: String {
    var sum = "[\(address.base)"
    if let index = address.index { sum += " + \(index.scale)*\(index.register)" }
    let bytes = Int(address.displacement)
    if bytes != 0 { sum += bytes > 0 ? " + \(bytes)" : " - \(-bytes)" }
    return sum + "]"
  }
}
