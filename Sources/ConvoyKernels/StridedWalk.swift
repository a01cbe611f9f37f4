import ConvoyTensors

/// The iteration over a box of elements of several operands at once, each with its own strides:
/// numbered rows of the last dimension.
struct StridedWalk: Sendable {
  let rows: Int
  let columns: Int
  /// For each operand, elements between neighbouring columns.
  let columnSteps: [Int]
  private let extents: [Int]
  private let strides: [[Int]]
  /// The dimensions that are left when adjacent ones are merged: extents, and each operand's
  /// strides.
  let dimensions: [(extent: Int, strides: [Int])]

  init(_ extents: [Int], _ strides: [[Int]]) {
    // Adjacent dimensions whose strides are compatible in every operand are merged: longer rows,
    // fewer of them.
    var merged: [(extent: Int, strides: [Int])] = []
    for dimension in extents.indices where extents[dimension] != 1 {
      let steps = strides.map { $0[dimension] }
      if let last = merged.last,
        zip(last.strides, steps).allSatisfy({ $0 == $1 * extents[dimension] })
      {
        merged[merged.count - 1] = (last.extent * extents[dimension], steps)
      } else {
        merged.append((extents[dimension], steps))
      }
    }
    dimensions = merged
    let last = merged.popLast() ?? (1, strides.map { _ in 0 })
    columns = last.extent
    columnSteps = last.strides
    self.extents = merged.map(\.extent)
    self.strides = strides.indices.map { operand in merged.map { $0.strides[operand] } }
    rows = self.extents.reduce(1, *)
  }

  /// For each operand, elements from its first element to a row's first.
  func offsets(ofRow row: Int) -> [Int] {
    var rest = row
    var offsets = Array(repeating: 0, count: strides.count)
    for dimension in extents.indices.reversed() {
      let (quotient, position) = rest.quotientAndRemainder(dividingBy: extents[dimension])
      rest = quotient
      for operand in strides.indices { offsets[operand] += position * strides[operand][dimension] }
    }
    return offsets
  }

  /// Elements from an operand's first element to a row's first.
  func offset(ofRow row: Int, operand: Int) -> Int {
    var (rest, offset) = (row, 0)
    for dimension in extents.indices.reversed() {
      let (quotient, position) = rest.quotientAndRemainder(dividingBy: extents[dimension])
      rest = quotient
      offset += position * strides[operand][dimension]
    }
    return offset
  }
}
