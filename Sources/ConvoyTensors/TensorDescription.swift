extension Tensor: CustomStringConvertible {
  /// Shape and type, and the elements as a grid; of large extents the first and last three.
  ///
  ///     2×3 of int32
  ///      1  2  3
  ///     10 20 30
  ///
  /// Further dimensions make blocks, each under its position: `[0, 1, …]`.
  public var description: String {
    let title = TensorDescription.title(shape, type)
    if isElsewhere { return "\(title), not in memory" }
    guard shape.rank > 0 else { return "\(title): \(TensorDescription.text(storage.stored, 0))" }
    return ([title] + TensorDescription(self).lines).joined(separator: "\n")
  }
}

/// What a tensor's description is made from.
private struct TensorDescription {
  /// Positions shown at either end of an extent that is not shown whole.
  private static let edge = 3
  /// The largest extent shown whole.
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
    guard stored.type.isFloating, let value = Double(stored.text(position)), value.isFinite,
      value != 0
    else { return stored.text(position) }
    var (digits, scale) = (value, 1.0)
    while digits.magnitude < 1e4, scale < 1e8 { (digits, scale) = (digits * 10, scale * 10) }
    let rounded = Float(digits.rounded() / scale)
    let text = "\(rounded)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  var lines: [String] {
    let blocks = blocks(of: shape.dimensions.dropLast(2), at: [], offset: 0)
    let width = blocks.joined().joined().reduce(0) { max($0, $1.count) }
    return blocks.flatMap { rows in
      rows.map { cells in
        cells.count == 1 && (cells[0].hasPrefix("[") || cells[0] == "…")
          ? cells[0]
          : cells.map { String(repeating: " ", count: width - $0.count) + $0 }
            .joined(separator: " ")
      }
    }
  }

  /// Blocks of rows of cells; a row of one cell is a heading.
  private func blocks(
    of outer: ArraySlice<Int>, at position: [Int], offset: Int
  ) -> [[[String]]] {
    guard let extent = outer.first else {
      let heading =
        position.isEmpty
        ? [] : [["[" + position.map(String.init).joined(separator: ", ") + ", …]"]]
      return [heading + rows(offset)]
    }
    let stride = shape.strides[outer.startIndex]
    return shown(extent).flatMap { index -> [[[String]]] in
      guard let index else { return [[["…"]]] }
      return blocks(of: outer.dropFirst(), at: position + [index], offset: offset + index * stride)
    }
  }

  private func rows(_ offset: Int) -> [[String]] {
    let columns = shape[shape.rank - 1]
    let count = shape.rank > 1 ? shape[shape.rank - 2] : 1
    return shown(count).map { row in
      guard let row else { return ["…"] }
      return shown(columns).map { column in
        column.map { Self.text(stored, offset + row * columns + $0) } ?? "…"
      }
    }
  }

  /// The positions of an extent that are shown; nil stands for those left out.
  private func shown(_ extent: Int) -> [Int?] {
    guard extent > Self.whole else { return Array(0..<extent) }
    return Array(0..<Self.edge) + [nil] + Array(extent - Self.edge..<extent)
  }
}
