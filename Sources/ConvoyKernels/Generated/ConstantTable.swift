import ConvoyAssembler

/// Numbers that instructions of generated code take from memory; they lie behind the code.
///
/// A number stands there once where instructions can broadcast it, with 512 bits, else in all lanes of
/// a vector. The table grows while code is written, until it is laid.
final class ConstantTable {
  private let a: Assembler
  private let width: VectorWidth
  private let base: GeneralRegister
  private let label: Label
  private var numbers: [UInt32] = []

  /// - Parameter base: will hold the table's address, from `load` on.
  init(_ a: Assembler, _ width: VectorWidth, base: GeneralRegister) {
    self.a = a
    self.width = width
    self.base = base
    label = a.label()
  }

  /// Makes the base hold the table's address.
  func load() { a.lea(base, label) }

  /// A number in all lanes.
  subscript(number: Float) -> MemoryOperand { self[bits: number.bitPattern] }

  /// 32 bits in all lanes.
  subscript(bits bits: UInt32) -> MemoryOperand { .repeated(address(bits), width) }

  /// Where 32 bits stand, at least once.
  func address(_ bits: UInt32) -> Address {
    let index = numbers.firstIndex(of: bits) ?? numbers.count
    if index == numbers.count { numbers.append(bits) }
    return base + index * ConstantTable.bytes(width)
  }

  /// Bytes that a number takes.
  static func bytes(_ width: VectorWidth) -> Int { width == .zmm ? 4 : width.rawValue }

  /// Lays the table behind the code; nothing may be added to it afterwards.
  func lay() {
    let copies = ConstantTable.bytes(width) / 4
    a.constants(numbers.flatMap { Array(repeating: $0, count: copies) }, at: label)
  }
}

/// An instruction's operand in memory. `Memory` alone is the memory that plans run in.
typealias MemoryOperand = ConvoyAssembler.Memory

extension MemoryOperand {
  /// A number in all lanes: broadcast from the address where the instruction can, with 512 bits, else a
  /// whole vector that holds it.
  static func repeated(_ address: Address, _ width: VectorWidth) -> MemoryOperand {
    width == .zmm ? .broadcast(address) : MemoryOperand(address)
  }
}
