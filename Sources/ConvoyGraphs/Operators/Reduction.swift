public import ConvoyTensors

// MARK: Attributes

/// The sum, mean, product, maximum or minimum over some dimensions.
///
/// Input: a tensor of 32-bit floats or integers, or of truth values for maximum (any) and minimum
/// (all). Output: the same with the reduced extents 1, or without them. Integers wrap around, and
/// their mean is rounded toward zero.
public struct Reduction: TypedOperator {
  /// How numbers are reduced.
  public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
    /// Σx
    case sum
    /// Σx ∕ n
    case mean
    /// Πx; not differentiated.
    case product
    /// The maximum; not differentiated.
    case maximum
    /// The minimum; not differentiated.
    case minimum
  }

  /// See `Operator.name`.
  public static let name = "reduction"
  /// How numbers are reduced.
  public var function: Function
  /// The dimensions that are reduced, ascending.
  public var dimensions: [Int]
  /// Whether reduced dimensions are kept, with extent 1.
  public var keepsDimensions: Bool

  /// Describes a reduction.
  public init(_ function: Function, over dimensions: [Int], keepsDimensions: Bool = false) {
    self.function = function
    self.dimensions = dimensions.sorted()
    self.keepsDimensions = keepsDimensions
  }

  // MARK: Shape

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    guard Set(dimensions).count == dimensions.count,
      dimensions.allSatisfy({ (0..<inputs[0].rank).contains($0) })
    else {
      throw ConvoyError(
        .attribute,
        "expected different dimensions from 0 to \(inputs[0].rank - 1), got \(dimensions)")
    }
    return [Shape(outputExtents(of: inputs[0], keepsDimensions))]
  }

  /// Numbers keep their type; truth values have a maximum and a minimum.
  public var types: TypeRule {
    switch function {
    case .sum, .mean, .product: .kept(.numbers)
    case .maximum, .minimum: .kept(.numbers.union([.bool]))
    }
  }

  private func outputExtents(of shape: Shape, _ keeps: Bool) -> [Int] {
    shape.dimensions.enumerated().compactMap { d, extent in
      dimensions.contains(d) ? (keeps ? 1 : nil) : extent
    }
  }

  // MARK: Gradient

  /// The output's gradient, repeated over the reduced dimensions, and divided by their count for a
  /// mean.
  public func gradients(at site: GradientSite) -> [Value?] {
    guard function == .sum || function == .mean, site.inputs[0].type == .float32 else {
      return [nil]
    }
    let shape = site.inputs[0].shape
    let kept = Shape(outputExtents(of: shape, true))
    var gradient = site.outputGradient.reshaped(to: kept).repeated(to: shape)
    if function == .mean {
      gradient = gradient.scaled(by: Float(kept.elementCount) / Float(shape.elementCount))
    }
    return [gradient]
  }

  // MARK: Definition

  /// One loop over the inputs; floats are reduced in Double.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let input = inputs[0]
    let loop = Loop(reduction: self, input: input, outputShape: outputs[0].shape)
    switch input.type {
    case .bool:
      let bytes = input.converted(to: .uint8)
      return define([bytes], outputs: [TensorType(outputs[0].shape, .uint8)])
        .map { $0.converted(to: .bool) }
    case .float32:
      let doubles = input.converted(to: .float64)
      return define([doubles], outputs: [TensorType(outputs[0].shape, .float64)])
        .map { $0.converted(to: .float32) }
    default:
      return [input.type.applyToNumber(loop)]
    }
  }

  private struct Loop: NumberFunction {
    let reduction: Reduction
    let input: Tensor
    let outputShape: Shape

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      let elements = input.known(as: type)
      let places = input.shape.reducedPlaces(over: reduction.dimensions)
      func results(_ start: Number, _ combine: (Number, Number) -> Number) -> [Number] {
        var results = Array(repeating: start, count: outputShape.elementCount)
        for (element, place) in zip(elements, places) {
          results[place] = combine(results[place], element)
        }
        return results
      }
      let reduced: [Number] =
        switch reduction.function {
        case .sum: results(0, Number.sum)
        case .product: results(1, Number.product)
        case .maximum: results(.lowest) { $1 > $0 ? $1 : $0 }
        case .minimum: results(.highest) { $1 < $0 ? $1 : $0 }
        case .mean:
          results(0, Number.sum).map {
            .quotient($0, Number(converting: Int64(elements.count / outputShape.elementCount)))
          }
        }
      return Tensor(known: outputShape, reduced)
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Over the dimensions; where the batch or the channels are removed, all other dimensions move.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    let movesOthers = !keepsDimensions && dimensions.contains { $0 < 2 }
    return movesOthers
      ? .mixingAll(.computes, hasBoundedReference: true)
      : .mixing(dimensions, .computes, hasBoundedReference: true)
  }

  /// Over the dimensions' places.
  public func transposedForm(places: [Int]) -> TransposedForm? {
    let reduced = dimensions.map { places[$0] }
    let form = Reduction(function, over: reduced, keepsDimensions: keepsDimensions)
    if keepsDimensions { return TransposedForm(form, places) }
    let kept = places.filter { !reduced.contains($0) }
    return TransposedForm(form, kept.map { place in kept.count { $0 < place } })
  }

  // MARK: Glyph

  /// The function's symbol.
  public var glyph: Glyph {
    switch function {
    case .sum: Glyph("Σ", .reduction)
    case .mean: Glyph("mean", .reduction)
    case .product: Glyph("Π", .reduction)
    case .maximum: Glyph("max", .reduction)
    case .minimum: Glyph("min", .reduction)
    }
  }
}

// MARK: Building

extension Value {
  /// The sum over some dimensions, or over all.
  public func sum(over dimensions: [Int]? = nil, keepsDimensions: Bool = false) -> Value {
    reduced(.sum, dimensions, keepsDimensions)
  }

  /// The mean over some dimensions, or over all.
  public func mean(over dimensions: [Int]? = nil, keepsDimensions: Bool = false) -> Value {
    reduced(.mean, dimensions, keepsDimensions)
  }

  /// The maximum over some dimensions, or over all.
  public func largest(over dimensions: [Int]? = nil, keepsDimensions: Bool = false) -> Value {
    reduced(.maximum, dimensions, keepsDimensions)
  }

  /// The minimum over some dimensions, or over all.
  public func smallest(over dimensions: [Int]? = nil, keepsDimensions: Bool = false) -> Value {
    reduced(.minimum, dimensions, keepsDimensions)
  }

  private func reduced(
    _ function: Reduction.Function, _ dimensions: [Int]?, _ keeps: Bool
  ) -> Value {
    applying(
      Reduction(function, over: dimensions ?? Array(0..<shape.rank), keepsDimensions: keeps))
  }

  /// [B, C, …] summed to [C]: the gradient of a number for each channel that is added.
  func sumOverAllButChannels() -> Value {
    sum(over: (0..<shape.rank).filter { $0 != 1 })
  }

  /// The sum over repetitions by broadcasting from a shape; the adjoint of broadcasting.
  func summed(to target: Shape) -> Value {
    if shape == target { return self }
    let extra = shape.rank - target.rank
    let repeated = (0..<shape.rank).filter { d in
      d < extra || target[d - extra] == 1 && shape[d] != 1
    }
    return sum(over: repeated, keepsDimensions: true).reshaped(to: target)
  }
}
