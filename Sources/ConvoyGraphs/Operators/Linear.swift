public import ConvoyTensors

// MARK: Attributes

/// A fully-connected layer.
///
/// Inputs: features [B, F], weights [O, F], and optionally a bias [O]. Output: [B, O], each number
/// the sum of all features weighted by the output's row of weights. It is equivalent to the 1×1
/// convolution of maps of one pixel.
public struct Linear: LayerOperator {
  /// See `Operator.name`.
  public static let name = "linear"

  /// Describes a fully-connected layer.
  public init() {}

  // MARK: Shape

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...3)
    let (features, weights) = (inputs[0], inputs[1])
    try Linear.validate("features", features)
    guard weights.rank == 2, weights[1] == features[1] else {
      throw ConvoyError(
        .shape, "expected weights of shape outputs×\(features[1]), got \(weights)")
    }
    if inputs.count == 3, inputs[2].dimensions != [weights[0]] {
      throw ConvoyError(.shape, "expected a bias of shape \(weights[0]), got \(inputs[2])")
    }
    return [try Shape(validating: [features[0], weights[0]])]
  }

  static func validate(_ what: String, _ shape: Shape) throws(ConvoyError) {
    guard shape.rank == 2 else {
      throw ConvoyError(.shape, "expected \(what) of shape batch×\(what), got \(shape)")
    }
  }

  // MARK: Cost

  /// B·O·F multiply-adds.
  public func multiplyAdds(inputs: [Shape], outputs: [Shape]) -> Int {
    Cost.product(outputs[0].elementCount, inputs[1][1])
  }

  // MARK: Gradient

  /// The products of the gradient with the weights and with the features; the bias's is a sum.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (features, weights) = (site.inputs[0], site.inputs[1])
    let gradient = site.outputGradient
    var result: [Value?] = [
      site.isNeeded[0]
        ? gradient.applying(LinearInputGradient(), [weights], name: "features") : nil,
      site.isNeeded[1]
        ? features.applying(LinearWeightGradient(), [gradient], name: "weights") : nil,
    ]
    if site.inputs.count == 3 {
      result.append(site.isNeeded[2] ? gradient.sumOverAllButChannels() : nil)
    }
    return result
  }

  // MARK: Reference

  /// Nested loops over outputs and features.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (features, weights) = (inputs[0], inputs[1])
    var result = ReferenceTensor(outputs[0])
    for position in outputs[0].indices {
      let (n, o) = (position[0], position[1])
      var sum = inputs.count == 3 ? inputs[2][[o]] : 0
      for f in 0..<features.shape[1] { sum += features[[n, f]] * weights[[o, f]] }
      result[position] = sum
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .layer(self) }

  /// See `LayerOperator.weightRows`.
  public var weightRows: WeightRows { .outputs }

  /// One: every output depends on all features.
  public var groups: Int { 1 }

  /// A row of weights is the whole window.
  public var readsWholeWindows: Bool { true }

  /// None.
  public func divided(into groups: Int) -> (any LayerOperator)? { nil }

  /// Every output depends on all features.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `linear`.
  public var glyph: Glyph { Glyph("linear", .convolution) }
}

// MARK: Building

extension Value {
  /// A fully-connected layer on [B, F], with its own weights and a bias that is initially 0.
  ///
  /// - Parameters:
  ///   - outputs: the number of outputs.
  ///   - name: the layer's name; its parameters are `name.weight` [O, F] and `name.bias` [O].
  public func linear(
    _ outputs: Int, bias: Bool = true, initializer: Initializer = .he, name: String? = nil
  ) -> Value {
    layer(name, kind: Linear.name) { name throws(ConvoyError) in
      try Linear.validate("features", shape)
      let weightShape = try Shape(validating: [outputs, shape[1]])
      let weights = builder.parameter("\(name).weight", weightShape, Parameter(initializer))
      let shift =
        bias ? [builder.parameter("\(name).bias", [outputs], Parameter(.constant(0)))] : []
      return applying(Linear(), [weights] + shift, name: name)
    }
  }
}
