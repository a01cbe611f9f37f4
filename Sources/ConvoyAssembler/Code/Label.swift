/// A place in the code: what a jump goes to, or where constants lie.
///
/// It may be jumped to before it is placed.
public struct Label: Hashable, Sendable, CustomStringConvertible {
  let number: Int

  /// Its name in listings.
  public var description: String { "L\(number)" }
}

/// A distance of four bytes that waits for its label to be placed.
struct Fixup {
  let label: Label
  /// Where the four bytes are. The distance counts from behind them.
  let position: Int
}

extension Assembler {
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

  /// Appends four bytes that will say how far the label is from behind them.
  func appendDistance(to label: Label) {
    fixups.append(Fixup(label: label, position: position))
    append(littleEndian: Int32(0))
  }

  /// Writes all distances, now that all labels are placed.
  func resolveLabels() {
    for fixup in fixups {
      guard let target = placements[fixup.label.number] else {
        preconditionFailure("label \(fixup.label) is used but never placed")
      }
      overwrite(at: fixup.position, littleEndian: Int32(target - (fixup.position + 4)))
    }
    fixups.removeAll()
  }
}
