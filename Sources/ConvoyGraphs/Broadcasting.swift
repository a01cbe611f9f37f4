import ConvoyTensors

extension Tensor {
  /// The elements that broadcasting assigns to each position of a larger shape, in row-major order.
  ///
  /// - Precondition: the elements have that type; this shape broadcasts to the larger one.
  /// - Complexity: O(*n*) in the larger shape's elements; O(1) if it is this shape.
  func spread<Element: TensorElement>(to larger: Shape, as type: Element.Type) -> [Element] {
    var spread = known(as: type)
    if shape == larger { return spread }
    let missing = larger.rank - shape.rank
    // From the last dimension on: a block is what one position of a dimension has.
    var block = 1
    for d in (0..<larger.rank).reversed() {
      let extent = larger[d]
      if extent > 1, d < missing || shape[d - missing] == 1 {
        spread = repeated(spread, block: block, count: extent)
      }
      block *= extent
    }
    return spread
  }

  /// Each block of elements several times.
  private func repeated<Element>(_ elements: [Element], block: Int, count: Int) -> [Element] {
    if elements.count == 1 { return Array(repeating: elements[0], count: count) }
    var repeated: [Element] = []
    repeated.reserveCapacity(elements.count * count)
    for start in stride(from: 0, to: elements.count, by: block) {
      if block == 1 {
        repeated.append(contentsOf: repeatElement(elements[start], count: count))
      } else {
        for _ in 0..<count { repeated.append(contentsOf: elements[start..<start + block]) }
      }
    }
    return repeated
  }
}

extension [Tensor] {
  /// A function of two elements for each position of the shape that two tensors broadcast to.
  ///
  /// - Precondition: the elements have that type; both shapes broadcast to the larger one.
  @inline(__always)
  func combined<Item: TensorElement, Result: TensorElement>(
    to shape: Shape, as type: Item.Type, _ function: (Item, Item) -> Result
  ) -> Tensor {
    let (a, b) = (self[0].spread(to: shape, as: type), self[1].spread(to: shape, as: type))
    return Tensor(known: shape, zip(a, b).map { function($0, $1) })
  }
}

extension Shape {
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
    for (extent, step) in zip(dimensions, steps) {
      var next: [Int] = []
      next.reserveCapacity(places.count * extent)
      for place in places {
        for index in 0..<extent { next.append(place + index * step) }
      }
      places = next
    }
    return places
  }
}
