public import ConvoyTensors

// MARK: - AxisSlice

/// A range of one dimension, with a step.
///
/// Input: a tensor. Output: the same with extent ⌈(end − start) ∕ step⌉ in that dimension.
public struct AxisSlice: Operator {
  /// See `Operator.name`.
  public static let name = "slice"
  /// The dimension that is sliced.
  public var dimension: Int
  /// The first position taken.
  public var start: Int
  /// The position before which the slice ends.
  public var end: Int
  /// The distance between the positions taken.
  public var step: Int

  /// Describes a slice.
  public init(dimension: Int, start: Int, end: Int, step: Int = 1) {
    self.dimension = dimension
    self.start = start
    self.end = end
    self.step = step
  }

  /// The number of positions taken.
  ///
  /// - Precondition: the range is not empty, and the step at least 1.
  public var count: Int { (end - start - 1) / step + 1 }

  /// The input's shape, shorter in the dimension.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try inputs[0].expectDimension(dimension)
    try validate(extent: inputs[0][dimension])
    var extents = inputs[0].dimensions
    extents[dimension] = count
    return [try Shape(validating: extents)]
  }

  func validate(extent: Int) throws(ConvoyError) {
    guard start >= 0, end > start, end <= extent else {
      throw ConvoyError(
        .attribute,
        "expected a range of at least 1 within the \(extent) of dimension \(dimension), "
          + "got \(start) to \(end)")
    }
    guard step >= 1 else {
      throw ConvoyError(.attribute, "expected a step of at least 1, got \(step)")
    }
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  /// The output's gradient, at the positions that were taken.
  public func gradients(at site: GradientSite) -> [Value?] {
    let extent = site.inputs[0].shape[dimension]
    return [site.outputGradient.applying(SliceGradient(slice: self, extent: extent))]
  }

  /// One loop over the outputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let elements = outputs[0].indices.map { inputs[0][source(of: $0)] }
    return [ReferenceTensor(outputs[0], elements)]
  }

  /// The position of the input that an output's position takes.
  func source(of position: [Int]) -> [Int] {
    var source = position
    source[dimension] = start + position[dimension] * step
    return source
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Only the dimension changes.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], .moves, hasBoundedReference: true)
  }

  /// Along the dimension's place.
  public func transposedForm(places: [Int]) -> TransposedForm? {
    let form = AxisSlice(dimension: places[dimension], start: start, end: end, step: step)
    return TransposedForm(form, places)
  }

  // MARK: Glyph

  /// `2:6`, or `2:6:2` with a step.
  public var glyph: Glyph {
    Glyph(step == 1 ? "\(start):\(end)" : "\(start):\(end):\(step)", .arrangement)
  }
}

// MARK: - SliceGradient

/// The gradient of `AxisSlice`: the slice's gradient at the positions that were taken, and zeros
/// elsewhere.
///
/// Input: the gradient of the slice. Output: the same with the extent before slicing.
public struct SliceGradient: Operator {
  /// See `Operator.name`.
  public static let name = "sliceGradient"
  /// The slice.
  public var slice: AxisSlice
  /// The extent of the dimension before slicing.
  public var extent: Int

  /// The gradient of a slice.
  public init(slice: AxisSlice, extent: Int) {
    self.slice = slice
    self.extent = extent
  }

  /// The input's shape, with the whole extent in the dimension.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try inputs[0].expectDimension(slice.dimension)
    try slice.validate(extent: extent)
    guard inputs[0][slice.dimension] == slice.count else {
      throw ConvoyError(
        .shape,
        "expected an extent of \(slice.count) in dimension \(slice.dimension), got \(inputs[0])")
    }
    var extents = inputs[0].dimensions
    extents[slice.dimension] = extent
    return [try Shape(validating: extents)]
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  /// The slice.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.applying(slice)]
  }

  /// One loop over the inputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var result = ReferenceTensor(outputs[0])
    for position in inputs[0].shape.indices {
      result[slice.source(of: position)] = inputs[0][position]
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Only the dimension changes.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([slice.dimension], .moves, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// The slice's label with a prime.
  public var glyph: Glyph { Glyph("\(slice.glyph.label)′", .arrangement) }
}

// MARK: - Building

extension Value {
  /// A range of one dimension.
  public func sliced(_ range: Range<Int>, dimension: Int, step: Int = 1) -> Value {
    applying(
      AxisSlice(dimension: dimension, start: range.lowerBound, end: range.upperBound, step: step))
  }

  /// The tensor divided into parts of equal size along a dimension: channels by default.
  ///
  /// The number of parts must divide the extent.
  public func split(into count: Int, dimension: Int = 1) -> [Value] {
    let extent = shape.dimensions.indices.contains(dimension) ? shape[dimension] : 0
    guard count >= 1, extent >= 1, extent % count == 0 else {
      let text =
        "\(name): expected a number of parts that divides dimension \(dimension) of \(shape), "
        + "got \(count)."
      return refusedSplit(text, count)
    }
    return split(sizes: Array(repeating: extent / count, count: count), dimension: dimension)
  }

  /// The tensor divided into parts of given sizes along a dimension: channels by default.
  ///
  /// The sum of the sizes must be the extent.
  public func split(sizes: [Int], dimension: Int = 1) -> [Value] {
    let extent = shape.dimensions.indices.contains(dimension) ? shape[dimension] : 0
    var rest = extent
    for size in sizes where rest >= 0 { rest = size >= 1 && size <= rest ? rest - size : -1 }
    guard extent >= 1, rest == 0 else {
      let text =
        "\(name): expected sizes of at least 1 that add up to dimension \(dimension) of \(shape), "
        + "got \(sizes)."
      return refusedSplit(text, sizes.count)
    }
    var start = 0
    return sizes.map { size in
      defer { start += size }
      return sliced(start..<start + size, dimension: dimension)
    }
  }

  /// Records an error, and returns as many placeholders as parts were requested.
  private func refusedSplit(_ message: String, _ count: Int) -> [Value] {
    builder.fail(ConvoyError(.attribute, message))
    return Array(repeating: self, count: min(max(count, 1), 1 << 16))
  }
}
