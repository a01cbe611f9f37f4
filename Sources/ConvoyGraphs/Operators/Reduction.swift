public import ConvoyTensors

// MARK: Attributes

/// The sum, mean or maximum over some dimensions.
///
/// Input: a tensor. Output: the same with the reduced extents 1, or without them.
public struct Reduction: Operator {
  /// How numbers are reduced.
  public enum Function: String, Hashable, Sendable, Codable {
    /// Σx
    case sum
    /// Σx ∕ n
    case mean
    /// The maximum; not differentiated.
    case maximum
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

  private func outputExtents(of shape: Shape, _ keeps: Bool) -> [Int] {
    shape.dimensions.enumerated().compactMap { d, extent in
      dimensions.contains(d) ? (keeps ? 1 : nil) : extent
    }
  }

  // MARK: Gradient

  /// The output's gradient, repeated over the reduced dimensions, and divided by their count for a
  /// mean.
  public func gradients(at site: GradientSite) -> [Value?] {
    guard function != .maximum else { return [nil] }
    let shape = site.inputs[0].shape
    let kept = Shape(outputExtents(of: shape, true))
    var gradient = site.outputGradient.reshaped(to: kept).repeated(to: shape)
    if function == .mean {
      gradient = gradient.scaled(by: Float(kept.elementCount) / Float(shape.elementCount))
    }
    return [gradient]
  }

  // MARK: Reference

  /// One loop over the inputs.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let shape = inputs[0].shape
    let start = function == .maximum ? -Double.infinity : 0
    var result = ReferenceTensor(Shape(outputExtents(of: shape, true)), repeating: start)
    for position in shape.indices {
      let target = position.enumerated().map { dimensions.contains($0) ? 0 : $1 }
      let x = inputs[0][position]
      result[target] = function == .maximum ? max(result[target], x) : result[target] + x
    }
    let count = shape.elementCount / result.shape.elementCount
    if function == .mean { result.elements = result.elements.map { $0 / Double(count) } }
    return [ReferenceTensor(outputs[0], result.elements)]
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

  // MARK: Glyph

  /// The function's symbol.
  public var glyph: Glyph {
    switch function {
    case .sum: Glyph("Σ", .reduction)
    case .mean: Glyph("mean", .reduction)
    case .maximum: Glyph("max", .reduction)
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
