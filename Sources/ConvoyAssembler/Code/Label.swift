/// A position in the code: the target of a jump, or the address of constants.
///
/// Jumps to it may be written before it is placed.
public struct Label: Hashable, Sendable, CustomStringConvertible {
  let number: Int

  /// Its name in listings.
  public var description: String { "L\(number)" }
}

/// How four bytes of code hold the distance to a label.
///
/// Each instruction set has its own kinds: x86-64 has a number of 32 bits that counts from the end
/// of the four bytes; AArch64 has fields of 14 to 26 bits in the instruction's word, which count
/// words from the instruction itself.
struct FixupKind: Sendable {
  /// The name of the kind, for messages.
  let name: String
  /// Writes the distance from the first of the four bytes to the label into the bytes; nil where it
  /// does not fit.
  let write: @Sendable (_ bytes: UInt32, _ distance: Int) -> UInt32?

  init(_ name: String, write: @escaping @Sendable (_ bytes: UInt32, _ distance: Int) -> UInt32?) {
    self.name = name
    self.write = write
  }
}

/// Four bytes whose distance is written once their label is placed.
struct Fixup {
  let label: Label
  /// The position of the four bytes.
  let position: Int
  let kind: FixupKind
}
