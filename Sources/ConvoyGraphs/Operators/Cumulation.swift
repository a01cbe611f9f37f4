public import ConvoyTensors

// MARK: Attributes

/// The sums or products of a tensor's elements up to each position of a dimension.
///
/// Input: a tensor of numbers. Output: the same shape and type; integers wrap around.
public struct Cumulation: TypedOperator {
  /// How numbers are brought together.
  public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
    /// Σx
    case sum
    /// Πx
    case product
  }

  /// See `Operator.name`.
  public static let name = "cumulation"
  /// How numbers are brought together.
  public var function: Function
  /// The dimension.
  public var dimension: Int
  /// Whether the position's own element is left out.
  public var isExclusive: Bool
  /// Whether positions are counted from the end.
  public var isReversed: Bool

  /// Describes cumulative sums or products.
  public init(
    _ function: Function, along dimension: Int, isExclusive: Bool = false, isReversed: Bool = false
  ) {
    self.function = function
    self.dimension = dimension
    self.isExclusive = isExclusive
    self.isReversed = isReversed
  }

  // MARK: Shape and type

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    try inputs[0].expectDimension(dimension)
    return inputs
  }

  /// Numbers, whose type is kept.
  public var types: TypeRule { .kept(.numbers) }

  // MARK: Gradient

  /// Of sums of floats, those of the output's gradient from the other end; none of products.
  public func gradients(at site: GradientSite) -> [Value?] {
    guard function == .sum, site.inputs[0].type == .float32 else { return [nil] }
    var opposite = self
    opposite.isReversed.toggle()
    return [site.outputGradient.applying(opposite)]
  }

  // MARK: Definition

  /// One loop over the elements.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    [inputs[0].type.applyToNumber(Loop(operation: self, input: inputs[0]))]
  }

  private struct Loop: NumberFunction {
    let operation: Cumulation
    let input: Tensor

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      var elements = input.known(as: type)
      let (extent, step) = (
        input.shape[operation.dimension], input.shape.strides[operation.dimension]
      )
      let isSum = operation.function == .sum
      for row in 0..<elements.count / extent {
        let first = row / step * step * extent + row % step
        var total: Number = isSum ? 0 : 1
        for position in 0..<extent {
          let place = first + (operation.isReversed ? extent - 1 - position : position) * step
          let next = isSum ? Number.sum(total, elements[place]) : .product(total, elements[place])
          elements[place] = operation.isExclusive ? total : next
          total = next
        }
      }
      return Tensor(known: input.shape, elements)
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Only the dimension is mixed.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], .computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `cumsum` or `cumprod`.
  public var glyph: Glyph { Glyph(function == .sum ? "cumsum" : "cumprod", .reduction) }
}
