public import ConvoyTensors

// MARK: Attributes

/// The positions of the largest or smallest elements along a dimension.
///
/// Input: a tensor of 32-bit floats, integers or truth values. Output: int64, the same shape with
/// extent 1 along the dimension, or without it.
public struct ArgReduction: TypedOperator {
  /// What is looked for.
  public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
    /// The largest element.
    case maximum
    /// The smallest element.
    case minimum
  }

  /// See `Operator.name`.
  public static let name = "argReduction"
  /// What is looked for.
  public var function: Function
  /// The dimension.
  public var dimension: Int
  /// Whether the dimension is kept, with extent 1.
  public var keepsDimension: Bool
  /// Whether the last of equal elements is taken; the first otherwise.
  public var selectsLast: Bool

  /// Describes the search.
  public init(
    _ function: Function, along dimension: Int, keepsDimension: Bool = false,
    selectsLast: Bool = false
  ) {
    self.function = function
    self.dimension = dimension
    self.keepsDimension = keepsDimension
    self.selectsLast = selectsLast
  }

  // MARK: Shape and type

  /// The input's shape, with extent 1 along the dimension, or without it.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    var extents = inputs[0].dimensions
    guard extents.indices.contains(dimension) else {
      throw ConvoyError(
        .attribute, "expected a dimension of \(inputs[0]), counted from 0, got \(dimension)")
    }
    if keepsDimension { extents[dimension] = 1 } else { extents.remove(at: dimension) }
    return [Shape(extents)]
  }

  /// Numbers or truth values give positions.
  public var types: TypeRule { TypeRule([.numbers.union([.bool])], outputs: [.int64]) }

  // MARK: Gradient

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { [nil] }

  // MARK: Definition

  /// One loop over the inputs. What is not a number is never taken, unless it comes first.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let input = inputs[0].type == .bool ? inputs[0].converted(to: .uint8) : inputs[0]
    return [input.type.applyToNumber(Loop(search: self, input: input, shape: outputs[0].shape))]
  }

  private struct Loop: NumberFunction {
    let search: ArgReduction
    let input: Tensor
    let shape: Shape

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      let elements = input.known(as: type)
      let lines = Lines(input.shape, along: search.dimension)
      let found = lines.starts.map { start -> Int64 in
        var (best, position) = (elements[start], 0)
        for index in 1..<max(1, lines.count) {
          let element = elements[start + index * lines.step]
          let isBetter = search.function == .maximum ? element > best : element < best
          if isBetter || search.selectsLast && element == best {
            (best, position) = (element, index)
          }
        }
        return Int64(position)
      }
      return Tensor(known: shape, found)
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Ranks exchange 32-bit floats only, and where the dimension is removed, others move.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `argmax` or `argmin`.
  public var glyph: Glyph {
    switch function {
    case .maximum: Glyph("argmax", .reduction)
    case .minimum: Glyph("argmin", .reduction)
    }
  }
}

// MARK: Building

extension Value {
  /// The positions of the largest elements along a dimension, as int64.
  public func argMax(along dimension: Int, keepsDimension: Bool = false) -> Value {
    applying(ArgReduction(.maximum, along: dimension, keepsDimension: keepsDimension))
  }
}
