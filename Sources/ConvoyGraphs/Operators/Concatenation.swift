public import ConvoyTensors

// MARK: Attributes

/// Tensors concatenated along one dimension.
///
/// Inputs: one or more tensors that differ at most in that dimension. Output: the sum of its
/// extents.
public struct Concatenation: Operator {
  /// See `Operator.name`.
  public static let name = "concatenation"
  /// The dimension of concatenation; 1 is the channels.
  public var dimension: Int

  /// Describes a concatenation.
  public init(dimension: Int) { self.dimension = dimension }

  // MARK: Shape

  /// The first input's shape, with the sum of the extents along the dimension.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    guard let first = inputs.first else {
      throw ConvoyError(.graph, "expected at least 1 input, got none")
    }
    try first.expectDimension(dimension)
    var extents = first.dimensions
    extents[dimension] = 0
    for input in inputs {
      guard input.rank == first.rank,
        input.dimensions.indices.allSatisfy({ $0 == dimension || input[$0] == first[$0] })
      else {
        throw ConvoyError(
          .shape,
          "expected inputs that differ from \(first) in dimension \(dimension) only, got \(input)")
      }
      let (sum, overflow) = extents[dimension].addingReportingOverflow(input[dimension])
      guard !overflow else {
        throw ConvoyError(.shape, "expected inputs whose extents can be added, got \(inputs)")
      }
      extents[dimension] = sum
    }
    return [try Shape(validating: extents)]
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  // MARK: Gradient

  /// Each input's slice of the output's gradient.
  public func gradients(at site: GradientSite) -> [Value?] {
    var start = 0
    return zip(site.inputs, site.isNeeded).map { input, isNeeded in
      let range = start..<start + input.shape[dimension]
      start = range.upperBound
      return isNeeded ? site.outputGradient.sliced(range, dimension: dimension) : nil
    }
  }

  // MARK: Reference

  /// Copies every element to its position after those of earlier inputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var result = ReferenceTensor(outputs[0])
    var start = 0
    for input in inputs {
      for position in input.shape.indices {
        var target = position
        target[dimension] += start
        result[target] = input[position]
      }
      start += input.shape[dimension]
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Only the dimension changes; a single input equals the output.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], inputs.count == 1 ? .nothing : .moves, hasBoundedReference: true)
  }

  /// Along the dimension's place.
  public func transposedForm(places: [Int]) -> TransposedForm? {
    TransposedForm(Concatenation(dimension: places[dimension]), places)
  }

  // MARK: Glyph

  /// `concat`.
  public var glyph: Glyph { Glyph("concat", .arrangement) }
}

extension Shape {
  /// Checks that the shape has a dimension.
  func expectDimension(_ dimension: Int) throws(ConvoyError) {
    guard dimensions.indices.contains(dimension) else {
      throw ConvoyError(
        .attribute, "expected a dimension from 0 to below the rank of \(self), got \(dimension)")
    }
  }
}

// MARK: Building

/// Concatenates values along a dimension: channels by default.
///
/// - Precondition: at least one value is given.
public func concatenate(_ values: [Value], dimension: Int = 1) -> Value {
  guard let first = values.first else {
    preconditionFailure("There is nothing to concatenate.")
  }
  return first.applying(Concatenation(dimension: dimension), Array(values.dropFirst()))
}
