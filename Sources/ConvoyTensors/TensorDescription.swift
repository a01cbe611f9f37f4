extension Tensor: CustomStringConvertible {
  /// Shape and type, and the elements as a grid; of large extents the first and last three.
  ///
  ///     2×3 of int32
  ///      1  2  3
  ///     10 20 30
  ///
  /// Further dimensions are shown as blocks, each with its position: `[0, 1, …]`.
  public var description: String {
    let title = TensorDescription.title(shape, type)
    if isElsewhere { return "\(title), not in memory" }
    guard shape.rank > 0 else { return "\(title): \(TensorDescription.text(storage.stored, 0))" }
    return ([title] + TensorDescription(self).lines).joined(separator: "\n")
  }
}

/// The parts of a tensor's description.
private struct TensorDescription {
  /// The positions that are shown at either end of an extent that is not shown whole.
  private static let edge = 3
  /// The largest extent that is shown whole.
  private static let whole = 8

  let shape: Shape
  let stored: any StoredElements

  init(_ tensor: Tensor) {
    shape = tensor.shape
    stored = tensor.storage.stored
  }

  static func title(_ shape: Shape, _ type: ElementType) -> String { "\(shape) of \(type)" }

  /// An element with at most five significant digits.
  static func text(_ stored: any StoredElements, _ position: Int) -> String {
    guard stored.type.isFloating, let value = Double(stored.text(position)), value.isFinite
    else { return stored.text(position) }
    guard value != 0 else { return "0" }
    var (digits, scale) = (value, 1.0)
    while digits.magnitude < 1e4, scale < 1e8 { (digits, scale) = (digits * 10, scale * 10) }
    let rounded = Float(digits.rounded() / scale)
    let text = "\(rounded)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// A line of the description.
  private enum Line {
    /// A block's position, or an ellipsis for lines that are left out.
    case text(String)
    /// A row's elements.
    case cells([String])
  }

  var lines: [String] {
    let lines = blocks(of: shape.dimensions.dropLast(2), at: [], offset: 0)
    let width = lines.reduce(0) { width, line in
      if case .cells(let cells) = line { max(width, cells.map(\.count).max() ?? 0) } else { width }
    }
    return lines.map { line in
      switch line {
      case .text(let text): text
      case .cells(let cells):
        cells.map { String(repeating: " ", count: width - $0.count) + $0 }.joined(separator: " ")
      }
    }
  }

  private func blocks(of outer: ArraySlice<Int>, at position: [Int], offset: Int) -> [Line] {
    guard let extent = outer.first else {
      let place = position.map(String.init).joined(separator: ", ")
      return (position.isEmpty ? [] : [.text("[\(place), …]")]) + rows(offset)
    }
    let stride = shape.strides[outer.startIndex]
    return shown(extent).flatMap { index -> [Line] in
      guard let index else { return [.text("…")] }
      return blocks(of: outer.dropFirst(), at: position + [index], offset: offset + index * stride)
    }
  }

  private func rows(_ offset: Int) -> [Line] {
    let columns = shape[shape.rank - 1]
    let count = shape.rank > 1 ? shape[shape.rank - 2] : 1
    return shown(count).map { row in
      guard let row else { return .text("…") }
      return .cells(
        shown(columns).map { column in
          column.map { Self.text(stored, offset + row * columns + $0) } ?? "…"
        })
    }
  }

  /// The positions of an extent that are shown; nil is an ellipsis.
  private func shown(_ extent: Int) -> [Int?] {
    guard extent > Self.whole else { return Array(0..<extent) }
    return Array(0..<Self.edge) + [nil] + Array(extent - Self.edge..<extent)
  }
}
