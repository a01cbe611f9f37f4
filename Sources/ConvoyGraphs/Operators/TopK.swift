public import ConvoyTensors

// MARK: Attributes

/// The largest or smallest elements of each line along a dimension, and their positions.
///
/// Input: a tensor of 32-bit floats or integers. Outputs: the same shape with the number of
/// elements that are kept along the dimension; the elements, of the input's type, and int64
/// positions. They are sorted; equal elements keep their order.
public struct TopK: TypedOperator {
  /// See `Operator.name`.
  public static let name = "topK"
  /// The number of elements that are kept of each line.
  public var count: Int
  /// The dimension.
  public var dimension: Int
  /// Whether the largest elements are kept; the smallest otherwise.
  public var keepsLargest: Bool

  /// Describes the selection.
  public init(_ count: Int, along dimension: Int, keepsLargest: Bool = true) {
    self.count = count
    self.dimension = dimension
    self.keepsLargest = keepsLargest
  }

  // MARK: Shape and type

  /// The input's shape with fewer elements along the dimension, twice.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    var extents = inputs[0].dimensions
    guard extents.indices.contains(dimension) else {
      throw ConvoyError(
        .attribute, "expected a dimension of \(inputs[0]), counted from 0, got \(dimension)")
    }
    guard (1...extents[dimension]).contains(count) else {
      throw ConvoyError(
        .attribute, "expected from 1 to \(extents[dimension]) elements to keep, got \(count)")
    }
    extents[dimension] = count
    return [Shape(extents), Shape(extents)]
  }

  /// Numbers keep their type; positions are int64.
  public var types: TypeRule { TypeRule([.numbers], outputs: [nil, .int64]) }

  // MARK: Gradient

  /// None: positions depend on the input in steps, and elements of unsorted lines have no place.
  public func gradients(at site: GradientSite) -> [Value?] { [nil] }

  // MARK: Definition

  /// Each line's positions, sorted by their elements.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    inputs[0].type.applyToNumber(Loop(selection: self, input: inputs[0], shape: outputs[0].shape))
  }

  private struct Loop: NumberFunction {
    let selection: TopK
    let input: Tensor
    let shape: Shape

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> [Tensor] {
      let elements = input.known(as: type)
      let (lines, kept) = (
        Lines(input.shape, along: selection.dimension), Lines(shape, along: selection.dimension)
      )
      var values = Array(repeating: Number.zero, count: shape.elementCount)
      var positions = Array(repeating: Int64(0), count: shape.elementCount)
      for (start, target) in zip(lines.starts, kept.starts) {
        let sorted = (0..<lines.count).sorted { a, b in
          let (x, y) = (elements[start + a * lines.step], elements[start + b * lines.step])
          return x == y ? a < b : selection.keepsLargest ? x > y : x < y
        }
        for (index, position) in sorted.prefix(selection.count).enumerated() {
          values[target + index * kept.step] = elements[start + position * lines.step]
          positions[target + index * kept.step] = Int64(position)
        }
      }
      return [Tensor(known: shape, values), Tensor(known: shape, positions)]
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Along the dimension; ranks exchange 32-bit floats only.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `top 5`.
  public var glyph: Glyph { Glyph("top \(count)", .reduction) }
}
