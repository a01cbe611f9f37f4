package import ConvoyAssembler

/// A description of an inner loop from which its code follows: the key by which code is shared.
package protocol TileDescription: Hashable, Sendable {
  /// The registers that the code is written for.
  var unit: VectorUnit { get }
  /// What listings and profilers call the code, after the unit's name.
  var name: String { get }
  /// Writes the code; its argument is a block of arguments: of weight gradients `GradientArguments`, of all
  /// others `TileArguments`.
  func write(_ w: any TileWriter)
}

extension TileDescription {
  /// The code.
  package func generate() -> MachineCode {
    let writer = unit.writer()
    write(writer)
    return writer.finish("\(unit.name) \(name)")
  }
}

/// Generated code: its argument is the address of a block of arguments.
package struct TileFunction: Equatable, Sendable {
  package typealias Pointer = @convention(c) (UnsafeRawPointer) -> Void

  @usableFromInline
  package let pointer: Pointer

  package init(pointer: Pointer) { self.pointer = pointer }

  /// Whether two are the same code: that of one description is shared.
  package static func == (a: Self, b: Self) -> Bool {
    unsafeBitCast(a.pointer, to: Int.self) == unsafeBitCast(b.pointer, to: Int.self)
  }
}
