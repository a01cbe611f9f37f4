public import ConvoyTensors

// MARK: Attributes

/// A tensor padded with a number.
///
/// Input: a tensor. Output: each extent larger by the padding before and after.
public struct Pad: Operator {
  /// See `Operator.name`.
  public static let name = "pad"
  /// The number of elements before, for each dimension.
  public var before: [Int]
  /// The number of elements after, for each dimension.
  public var after: [Int]
  /// The value of the padding, converted to the tensor's type.
  public var value: Float

  /// Describes padding.
  public init(before: [Int], after: [Int], value: Float) {
    self.before = before
    self.after = after
    self.value = value
  }

  // MARK: Shape

  /// The input's extents and the padding on both sides.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    let input = inputs[0]
    for (side, extents) in [("before", before), ("after", after)] {
      guard extents.count == input.rank,
        extents.allSatisfy({ (0...Shape.maximumElementCount).contains($0) })
      else {
        throw ConvoyError(
          .attribute,
          "expected a padding \(side) of at least 0 for each dimension of \(input), got \(extents)")
      }
    }
    return [
      try Shape(validating: input.dimensions.indices.map { before[$0] + input[$0] + after[$0] })
    ]
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  // MARK: Gradient

  /// The part of the output's gradient without the padding.
  public func gradients(at site: GradientSite) -> [Value?] {
    let shape = site.inputs[0].shape
    var gradient = site.outputGradient
    for d in before.indices where before[d] > 0 || after[d] > 0 {
      gradient = gradient.sliced(before[d]..<before[d] + shape[d], dimension: d)
    }
    return [gradient]
  }

  // MARK: Reference

  /// One loop over the outputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let filling = Tensor([], repeating: value).converted(to: inputs[0].type).doubles[0]
    let elements = outputs[0].indices.map { position in
      inputs[0].element(at: zip(position, before).map { $0 - $1 }) ?? filling
    }
    return [ReferenceTensor(outputs[0], elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Dimensions with padding change.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    let padded = before.indices.filter { before[$0] > 0 || after[$0] > 0 }
    return .mixing(padded, padded.isEmpty ? .nothing : .moves, hasBoundedReference: true)
  }

  /// The same padding, in the dimensions' places.
  public func transposedForm(places: [Int]) -> TransposedForm? {
    var form = self
    for (dimension, place) in places.enumerated() {
      form.before[place] = before[dimension]
      form.after[place] = after[dimension]
    }
    return TransposedForm(form, places)
  }

  // MARK: Glyph

  /// `pad`.
  public var glyph: Glyph { Glyph("pad", .arrangement) }
}

// MARK: Building

extension Value {
  /// The tensor padded with a number: 0 by default.
  ///
  /// - Parameters:
  ///   - before: the number of elements before, for each dimension.
  ///   - after: the number of elements after, for each dimension.
  public func padded(before: [Int], after: [Int], value: Float = 0) -> Value {
    applying(Pad(before: before, after: after, value: value))
  }
}
