import ConvoyTensors

extension Shape {
  /// For each position of a larger shape, in row-major order, the row-major index of the element of
  /// a tensor of this shape that broadcasting assigns to it.
  ///
  /// - Precondition: this shape broadcasts to the larger one.
  /// - Complexity: O(*n*) in the larger shape's elements.
  func broadcastPlaces(in larger: Shape) -> [Int] {
    if self == larger { return Array(0..<elementCount) }
    let missing = larger.rank - rank
    let own = strides
    let steps = (0..<larger.rank).map { d in
      d < missing || self[d - missing] == 1 ? 0 : own[d - missing]
    }
    return larger.walked(by: steps)
  }

  /// For each position, in row-major order, the row-major index of the result that it is reduced
  /// to.
  ///
  /// - Complexity: O(*n*) in the elements.
  func reducedPlaces(over dimensions: [Int]) -> [Int] {
    let kept = Shape((0..<rank).map { dimensions.contains($0) ? 1 : self[$0] })
    let strides = kept.strides
    return walked(by: (0..<rank).map { dimensions.contains($0) ? 0 : strides[$0] })
  }

  /// For each position, in row-major order, the sum of its indices times a step each.
  func walked(by steps: [Int]) -> [Int] {
    var places = [0]
    places.reserveCapacity(elementCount)
    for (extent, step) in zip(dimensions, steps) {
      places = places.flatMap { place in (0..<extent).lazy.map { place + $0 * step } }
    }
    return places
  }
}
