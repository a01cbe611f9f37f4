import ConvoyAssembler

/// Numbers that generated code takes from memory; they lie behind the code.
///
/// A number stands there once where instructions can broadcast it, else in all lanes of a vector. The
/// table grows while code is written, until it is laid.
package final class ConstantTable {
  private let writer: any TileWriter
  private let base: Integer
  private let label: Label
  private var numbers: [UInt32] = []

  /// - Parameter base: will hold the table's address, from `load` on.
  package init(_ writer: any TileWriter, base: Integer) {
    self.writer = writer
    self.base = base
    label = writer.label()
  }

  /// Makes the base hold the table's address.
  package func load() { writer.point(base, to: label) }

  /// A number in all lanes.
  package subscript(number: Float) -> Operand { self[bits: number.bitPattern] }

  /// 32 bits in all lanes.
  package subscript(bits bits: UInt32) -> Operand { .repeated(place(bits: bits)) }

  /// Where a number stands, at least once.
  package func place(_ number: Float) -> Place { place(bits: number.bitPattern) }

  /// Where 32 bits stand, at least once.
  package func place(bits: UInt32) -> Place {
    let index = numbers.firstIndex(of: bits) ?? numbers.count
    if index == numbers.count { numbers.append(bits) }
    return base + index * copies * MemoryLayout<UInt32>.size
  }

  /// How often a number stands in the table.
  private var copies: Int { writer.unit.embedsBroadcast ? 1 : writer.unit.lanes }

  /// Lays the table behind the code; nothing may be added to it afterwards.
  package func lay() {
    writer.lay(numbers.flatMap { Array(repeating: $0, count: copies) }, at: label)
  }
}
