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

  /// A label of 32-bit constants, which `finish` stores after the code, aligned for whole vectors.
  ///
  /// After `a.lea(rax, a.constants([1, 2, 3, 4]))`, `[rax]` is their vector.
  public func constants(_ words: [UInt32]) -> Label {
    let label = label()
    constants(words, at: label)
    return label
  }

  /// Stores 32-bit constants after the code, as `constants(_:)` does, at a label that code may have
  /// used before the constants were known.
  public func constants(_ words: [UInt32], at label: Label) { pool.append((label, words)) }

  /// Stores all constants after the code.
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

  /// The distance from a position to a label; nil while the label is not placed.
  func distance(from position: Int, to label: Label) -> Int? {
    placements[label.number].map { $0 - position }
  }

  /// Registers the four bytes that are appended next for the distance to a label.
  func fixNext(_ kind: FixupKind, to label: Label) {
    fixups.append(Fixup(label: label, position: position, kind: kind))
  }

  /// Writes all distances, once all labels are placed.
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
