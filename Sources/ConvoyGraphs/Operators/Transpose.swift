public import ConvoyTensors

// MARK: Attributes

/// A permutation of dimensions.
///
/// Input: a tensor. Output: dimension d is the input's dimension `permutation[d]`.
public struct Transpose: Operator {
  /// See `Operator.name`.
  public static let name = "transpose"
  /// For each dimension of the output, the dimension of the input.
  public var permutation: [Int]

  /// Describes a transposition.
  public init(permutation: [Int]) { self.permutation = permutation }

  // MARK: Shape

  /// The input's extents in the new order.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    guard permutation.sorted() == Array(0..<inputs[0].rank) else {
      throw ConvoyError(
        .attribute,
        "expected each dimension of \(inputs[0]) once, counted from 0, got \(permutation)")
    }
    return [try Shape(validating: permutation.map { inputs[0][$0] })]
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  // MARK: Gradient

  /// The inverse transposition.
  public func gradients(at site: GradientSite) -> [Value?] {
    var inverse = permutation
    for (d, source) in permutation.enumerated() { inverse[source] = d }
    return [site.outputGradient.transposed(inverse)]
  }

  // MARK: Reference

  /// One loop over the outputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var source = permutation
    let elements = outputs[0].indices.map { position in
      for (d, index) in zip(permutation, position) { source[d] = index }
      return inputs[0][source]
    }
    return [ReferenceTensor(outputs[0], elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Dimensions that are not moved are alike.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    let moved = permutation.indices.filter { permutation[$0] != $0 }
    return .mixing(moved, moved.isEmpty ? .nothing : .moves, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `0 2 3 1`.
  public var glyph: Glyph {
    Glyph(permutation.map(String.init).joined(separator: " "), .arrangement)
  }
}

// MARK: Building

extension Value {
  /// A permutation of dimensions: dimension d of the result is dimension `permutation[d]`.
  public func transposed(_ permutation: [Int]) -> Value {
    applying(Transpose(permutation: permutation))
  }

  /// An image with channels last, [B, …, C], as one with channels first, [B, C, …].
  ///
  /// It costs nothing before a convolution of few channels, which reads the image in place.
  public func channelsFirst() -> Value {
    let rank = shape.rank
    return rank < 3 ? self : transposed([0, rank - 1] + Array(1..<rank - 1))
  }

  /// An image [B, C, …] as one with the channels last, [B, …, C].
  public func channelsLast() -> Value {
    let rank = shape.rank
    return rank < 3 ? self : transposed([0] + Array(2..<rank) + [1])
  }
}
