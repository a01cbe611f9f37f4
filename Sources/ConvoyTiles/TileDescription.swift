package import ConvoyAssembler

/// The description of a micro-kernel, which determines its code: the key by which code is shared.
package protocol TileDescription: Hashable, Sendable {
  /// The registers that the code is written for.
  var unit: VectorUnit { get }
  /// The code's name in listings and profilers, after the unit's name.
  var name: String { get }
  /// Writes the code. Its argument is the address of a block of arguments: `TileArguments` with the
  /// fields of the tile's family.
  func write(_ w: any TileWriter)
}

extension TileDescription {
  /// Generates the code.
  package func generate() -> MachineCode {
    let writer = unit.writer()
    write(writer)
    return writer.finish("\(unit.name) \(name)")
  }
}

/// Generated code: its argument is the address of a block of arguments.
///
/// Public for the compiler alone, as `TileArguments` is.
public struct TileFunction: Equatable, Sendable {
  /// A C function of one argument.
  public typealias Pointer = @convention(c) (UnsafeRawPointer) -> Void

  /// The function.
  public let pointer: Pointer

  /// Names a function.
  public init(pointer: Pointer) { self.pointer = pointer }

  /// Whether both are the same code; the code of one description is shared.
  public static func == (a: Self, b: Self) -> Bool {
    unsafeBitCast(a.pointer, to: Int.self) == unsafeBitCast(b.pointer, to: Int.self)
  }
}
