public import ConvoyTensors

// MARK: - Reshape

/// The same elements, in the same order, with another shape.
///
/// Input: a tensor. Output: the same number of elements. In the pattern, 0 copies the input's
/// extent at that position, and −1, at most once, is inferred from the others (ONNX's convention),
/// so that a pattern holds for any batch.
public struct Reshape: Operator {
  /// See `Operator.name`.
  public static let name = "reshape"
  /// The new extents, 0 to copy, −1 to infer.
  public var pattern: [Int]

  /// Describes a new shape.
  public init(_ pattern: [Int]) { self.pattern = pattern }

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    let input = inputs[0]
    var extents: [Int] = []
    for (d, extent) in pattern.enumerated() {
      guard extent >= -1, extent != 0 || d < input.rank else {
        throw ConvoyError(
          .attribute, "expected new extents of at least 1, 0 to copy or −1 to infer, got \(pattern)"
        )
      }
      extents.append(extent == 0 ? input[d] : extent)
    }
    if let inferred = extents.firstIndex(of: -1) {
      extents[inferred] = 1
      let rest = try Shape(validating: extents).elementCount
      guard input.elementCount % rest == 0 else {
        throw mismatch(input)
      }
      extents[inferred] = input.elementCount / rest
    }
    guard !extents.contains(-1) else {
      throw ConvoyError(.attribute, "expected at most one −1 in a new shape, got \(pattern)")
    }
    let output = try Shape(validating: extents)
    guard output.elementCount == input.elementCount else { throw mismatch(input) }
    return [output]
  }

  private func mismatch(_ input: Shape) -> ConvoyError {
    ConvoyError(
      .shape,
      "expected a shape of \(input.elementCount) elements in place of \(input), got \(pattern)")
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  /// The output's gradient with the input's shape.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.reshaped(to: site.inputs[0].shape)]
  }

  /// The elements unchanged.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    [ReferenceTensor(outputs[0], inputs[0].elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Flattening an image turns each channel into a run.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    let (from, to) = (inputs[0], outputs[0])
    let isFlattening = from.rank >= 2 && to.rank == 2 && from[0] == to[0]
    return OperatorTraits(
      isIdle(on: from) ? .nothing : .reshapes, channels: isFlattening ? .runs : .mixed,
      pixels: .mixed, groups: nil, hasBoundedReference: true)
  }

  /// Whether the shape is unchanged, for this batch and, if it is accepted, for another.
  private func isIdle(on input: Shape) -> Bool {
    guard (try? outputShapes(for: [input])) == [input] else { return false }
    guard input.rank > 0,
      let other = try? Shape(validating: [input[0] + 1] + input.dimensions.dropFirst()),
      let output = try? outputShapes(for: [other])
    else { return true }
    return output == [other]
  }

  // MARK: Glyph

  /// `reshape`.
  public var glyph: Glyph { Glyph("reshape", .arrangement) }
}

// MARK: - Repetition

/// A tensor broadcast to a larger shape.
///
/// Input: a tensor. Output: the given shape, which the input's broadcasts to.
public struct Repetition: Operator {
  /// See `Operator.name`.
  public static let name = "repetition"
  /// The larger shape.
  public var shape: Shape

  /// Describes a larger shape.
  public init(to shape: Shape) { self.shape = shape }

  /// The larger shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    guard try inputs[0].broadcast(with: shape) == shape else {
      throw ConvoyError(.shape, "expected a shape that broadcasts to \(shape), got \(inputs[0])")
    }
    return [shape]
  }

  /// Any type is kept.
  public var types: TypeRule { .anyKept }

  /// The sum over the repetitions.
  public func gradients(at site: GradientSite) -> [Value?] {
    [site.outputGradient.summed(to: site.inputs[0].shape)]
  }

  /// One loop over the outputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let elements = shape.indices.map { inputs[0].broadcastElement(at: $0) }
    return [ReferenceTensor(shape, elements)]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// To a fixed shape.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.moves, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `repeat`.
  public var glyph: Glyph { Glyph("repeat", .arrangement) }
}

// MARK: - Building

extension Value {
  /// The same elements with another shape; 0 copies an extent, one −1 is inferred.
  public func reshaped(_ pattern: [Int]) -> Value { applying(Reshape(pattern)) }

  /// [B, …] as [B, everything else].
  public func flattened() -> Value { reshaped([0, -1]) }

  /// The same elements with a shape of the same size; the same value if it has that shape already.
  func reshaped(to shape: Shape) -> Value {
    self.shape == shape ? self : applying(Reshape(shape.dimensions))
  }

  /// The tensor broadcast to a larger shape.
  public func repeated(to shape: Shape) -> Value {
    self.shape == shape ? self : applying(Repetition(to: shape))
  }
}
