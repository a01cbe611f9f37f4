public import ConvoyTensors

// MARK: - LinearInputGradient

/// The gradient of a fully-connected layer's features.
///
/// Inputs: the gradient [B, O] and the weights [O, F]. Output: their product, [B, F].
public struct LinearInputGradient: Operator {
  /// See `Operator.name`.
  public static let name = "linearInputGradient"

  /// Describes the gradient of a fully-connected layer's features.
  public init() {}

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (gradient, weights) = (inputs[0], inputs[1])
    try Linear.validate("outputs", gradient)
    guard weights.rank == 2, weights[0] == gradient[1] else {
      throw ConvoyError(
        .shape, "expected weights of shape \(gradient[1])×features, got \(weights)")
    }
    return [try Shape(validating: [gradient[0], weights[1]])]
  }

  /// B·O·F multiply-adds.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    Cost.product(outputs[0].elementCount, inputs[1][0])
  }

  /// Linear in both inputs.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (gradient, weights) = (site.inputs[0], site.inputs[1])
    let received = site.outputGradient
    return [
      site.isNeeded[0] ? received.applying(Linear(), [weights], name: "outputs") : nil,
      site.isNeeded[1]
        ? received.applying(LinearWeightGradient(), [gradient], name: "weights") : nil,
    ]
  }

  /// Nested loops.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (gradient, weights) = (inputs[0], inputs[1])
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      for o in 0..<weights.shape[0] {
        result[position] += gradient[[position[0], o]] * weights[[o, position[1]]]
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Every output depends on all of the gradient.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `∂x linear`.
  public var glyph: Glyph { Glyph("∂x linear", .convolution) }
}

// MARK: - LinearWeightGradient

/// The gradient of a fully-connected layer's weights.
///
/// Inputs: the features [B, F] and the gradient [B, O]. Output: [O, F], the sum over the batch of
/// their products.
public struct LinearWeightGradient: Operator {
  /// See `Operator.name`.
  public static let name = "linearWeightGradient"

  /// Describes the gradient of a fully-connected layer's weights.
  public init() {}

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (features, gradient) = (inputs[0], inputs[1])
    try Linear.validate("features", features)
    guard gradient.rank == 2, gradient[0] == features[0] else {
      throw ConvoyError(
        .shape, "expected a gradient of shape \(features[0])×outputs, got \(gradient)")
    }
    return [try Shape(validating: [gradient[1], features[1]])]
  }

  /// B·O·F multiply-adds.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    Cost.product(outputs[0].elementCount, inputs[0][0])
  }

  /// Linear in both inputs.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (features, gradient) = (site.inputs[0], site.inputs[1])
    let received = site.outputGradient
    return [
      site.isNeeded[0]
        ? gradient.applying(LinearInputGradient(), [received], name: "features") : nil,
      site.isNeeded[1] ? features.applying(Linear(), [received], name: "outputs") : nil,
    ]
  }

  /// Nested loops.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (features, gradient) = (inputs[0], inputs[1])
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      for n in 0..<features.shape[0] {
        result[position] += gradient[[n, position[0]]] * features[[n, position[1]]]
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Sums over the batch.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `∂w linear`.
  public var glyph: Glyph { Glyph("∂w linear", .convolution) }
}
