import ConvoyTensors

/// The lines of a row-major tensor along a dimension: for the definitions of operators that work on
/// each line.
struct Lines {
  /// The number of elements of a line.
  let count: Int
  /// The elements between neighbours in a line.
  let step: Int
  /// The index of each line's first element; lines are in the row-major order of the other
  /// dimensions.
  let starts: [Int]

  init(_ shape: Shape, along dimension: Int) {
    count = shape[dimension]
    step = shape.strides[dimension]
    let block = count * step
    var starts: [Int] = []
    starts.reserveCapacity(shape.elementCount / count)
    for first in stride(from: 0, to: shape.elementCount, by: block) {
      starts += first..<first + step
    }
    self.starts = starts
  }
}
