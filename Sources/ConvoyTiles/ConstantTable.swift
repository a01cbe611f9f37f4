import ConvoyAssembler

/// Constants that generated code loads from memory; they are stored after the code.
///
/// A number is stored once where instructions can broadcast it, and in all lanes of a vector
/// otherwise. The table grows while code is written, until `lay` stores it.
package final class ConstantTable {
  private let writer: any TileWriter
  private let base: Integer
  private let label: Label
  private var numbers: [UInt32] = []

  /// - Parameter base: the register that holds the table's address from `load` on.
  package init(_ writer: any TileWriter, base: Integer) {
    self.writer = writer
    self.base = base
    label = writer.label()
  }

  /// Sets the base to the table's address.
  package func load() { writer.point(base, to: label) }

  /// A number in all lanes.
  package subscript(number: Float) -> Operand { self[bits: number.bitPattern] }

  /// 32 bits in all lanes.
  package subscript(bits bits: UInt32) -> Operand { .repeated(place(bits: bits)) }

  /// The place of a number, which is stored at least once.
  package func place(_ number: Float) -> Place { place(bits: number.bitPattern) }

  /// The place of 32 bits, which are stored at least once.
  package func place(bits: UInt32) -> Place {
    let index = numbers.firstIndex(of: bits) ?? numbers.count
    if index == numbers.count { numbers.append(bits) }
    return base + index * copies * MemoryLayout<UInt32>.size
  }

  /// The number of copies of each number in the table.
  private var copies: Int { writer.unit.embedsBroadcast ? 1 : writer.unit.lanes }

  /// Stores the table after the code; nothing may be added to it afterwards.
  package func lay() {
    writer.lay(numbers.flatMap { Array(repeating: $0, count: copies) }, at: label)
  }
}
