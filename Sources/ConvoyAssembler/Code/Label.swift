/// A place in the code: what a jump goes to, or where constants lie.
///
/// It may be jumped to before it is placed.
public struct Label: Hashable, Sendable, CustomStringConvertible {
  let number: Int

  /// Its name in listings.
  public var description: String { "L\(number)" }
}

/// How four bytes of code hold the distance to a label.
///
/// Each instruction set has kinds of its own: x86-64 a number of 32 bits that counts from behind it; AArch64
/// fields of 14 to 26 bits in the instruction's word, that count words from the instruction itself.
struct FixupKind: Sendable {
  /// What holds the distance, for messages.
  let name: String
  /// The four bytes with the distance from the first of them to the label written into them; nil where it
  /// does not fit.
  let write: @Sendable (_ bytes: UInt32, _ distance: Int) -> UInt32?

  init(_ name: String, write: @escaping @Sendable (_ bytes: UInt32, _ distance: Int) -> UInt32?) {
    self.name = name
    self.write = write
  }
}

/// Four bytes that wait for a label to be placed.
struct Fixup {
  let label: Label
  /// Where the four bytes are.
  let position: Int
  let kind: FixupKind
}

extension CodeBuffer {
  /// A new label, to be placed later.
  public func label() -> Label {
    placements.append(nil)
    return Label(number: placements.count - 1)
  }

  /// A new label, placed here.
  public func here() -> Label {
    let label = label()
    place(label)
    return label
  }

  /// Places a label here.
  public func place(_ label: Label) {
    precondition(placements[label.number] == nil, "label \(label) is placed twice")
    list { "\(label):" }
    placements[label.number] = position
  }

  /// A label of 32-bit constants, which `finish` lays behind the code, aligned for whole vectors.
  ///
  /// `a.lea(rax, a.constants([1, 2, 3, 4]))` makes `[rax]` their vector.
  public func constants(_ words: [UInt32]) -> Label {
    let label = label()
    constants(words, at: label)
    return label
  }

  /// Has 32-bit constants laid behind the code, as `constants(_:)` does, at a label that code may have
  /// named before the constants were known.
  public func constants(_ words: [UInt32], at label: Label) { pool.append((label, words)) }

  /// Lays all constants behind the code.
  func layConstants() {
    for (label, words) in pool {
      align(to: 64)
      place(label)
      for word in words {
        list { ".long \(word)" }
        append(littleEndian: word)
      }
    }
    pool.removeAll()
  }

  /// How far behind a position a label is; nil while it is not placed.
  func distance(from position: Int, to label: Label) -> Int? {
    placements[label.number].map { $0 - position }
  }

  /// Has the distance to a label written into the four bytes that are appended next.
  func fixNext(_ kind: FixupKind, to label: Label) {
    fixups.append(Fixup(label: label, position: position, kind: kind))
  }

  /// Writes all distances, now that all labels are placed.
  func resolveLabels() {
    for fixup in fixups {
      guard let distance = distance(from: fixup.position, to: fixup.label) else {
        preconditionFailure("label \(fixup.label) is used but never placed")
      }
      rewrite(at: fixup.position) { bytes in
        guard let fixed = fixup.kind.write(bytes, distance) else {
          preconditionFailure(
            "label \(fixup.label) is \(distance) bytes away, too far for \(fixup.kind.name)")
        }
        return fixed
      }
    }
    fixups.removeAll()
  }
}
