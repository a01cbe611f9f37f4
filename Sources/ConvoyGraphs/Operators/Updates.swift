public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// The steps of the optimisers. Each reads a parameter, its gradient and the optimiser's memories,
// all of one shape, and computes their new values. `GraphBuilder.apply` emits them, and
// `GraphBuilder.update(_:to:)` makes a run keep the results. They have no gradients.

// MARK: - MomentumUpdate

/// A step of gradient descent with momentum.
///
/// Inputs: parameter p, gradient g and velocity v of one shape, and the rate, a scalar. Outputs: p′
/// and v′, where g is first increased by decay·p, v′ = momentum·v + g, and
/// p′ = p − rate·v′, or p − rate·(g + momentum·v′) by Nesterov.
///
/// Source: Sutskever et al., "On the importance of initialization and momentum in deep learning",
/// 2013, in the form of PyTorch's `SGD` without dampening.
public struct MomentumUpdate: Operator {
  /// See `Operator.name`.
  public static let name = "momentumUpdate"
  /// The fraction of the velocity that a step keeps; 0 is plain gradient descent.
  public var momentum: Float
  /// Whether the step uses Nesterov's momentum.
  public var isNesterov: Bool
  /// The factor of the parameter that is added to its gradient.
  public var weightDecay: Float

  /// Describes a step.
  public init(momentum: Float, isNesterov: Bool, weightDecay: Float) {
    self.momentum = momentum
    self.isNesterov = isNesterov
    self.weightDecay = weightDecay
  }

  /// The parameter's shape, twice.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(momentum, "momentum", in: 0...Float.greatestFiniteMagnitude)
    try expect(weightDecay, "weight decay", in: 0...Float.greatestFiniteMagnitude)
    return try updatedShapes(of: inputs, vectors: 3, scalars: 1, outputs: 2)
  }

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var (parameter, velocity) = (inputs[0], inputs[2])
    let (momentum, rate) = (Double(self.momentum), inputs[3].elements[0])
    for i in parameter.elements.indices {
      let g = inputs[1].elements[i] + Double(weightDecay) * parameter.elements[i]
      let v = momentum * velocity.elements[i] + g
      velocity.elements[i] = v
      parameter.elements[i] -= rate * (isNesterov ? g + momentum * v : v)
    }
    return [parameter, velocity]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Parameter, gradient and memories are combined element by element.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// `SGD`.
  public var glyph: Glyph { Glyph("SGD", .update) }
}

// MARK: - AdamUpdate

/// A step of AdamW.
///
/// Inputs: parameter p, gradient g and its first and second moments m, v of one shape; the rate, a
/// scalar, and the step t, a scalar integer counted from 1. Outputs: p′, m′, v′, where m′ = β₁·m +
/// (1 − β₁)·g, v′ = β₂·v + (1 − β₂)·g², and p′ = p·(1 − rate·decay) − rate · m′∕(1 − β₁ᵗ) ∕
/// (√(v′∕(1 − β₂ᵗ)) + ε).
///
/// Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019; without decay,
/// Kingma and Ba, "Adam", 2015.
public struct AdamUpdate: Operator {
  /// See `Operator.name`.
  public static let name = "adamUpdate"
  /// The fraction of the first moment that a step keeps.
  public var beta1: Float
  /// The fraction of the second moment that a step keeps.
  public var beta2: Float
  /// The constant that keeps the divisor away from 0.
  public var epsilon: Float
  /// The fraction of the parameter that a step of rate 1 subtracts, independent of the gradient.
  public var weightDecay: Float

  /// Describes a step.
  public init(beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// The parameter's shape, three times.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(beta1, "beta1", in: 0...Float(1).nextDown)
    try expect(beta2, "beta2", in: 0...Float(1).nextDown)
    try expect(epsilon, "epsilon", in: 0...Float.greatestFiniteMagnitude)
    try expect(weightDecay, "weight decay", in: 0...Float.greatestFiniteMagnitude)
    return try updatedShapes(of: inputs, vectors: 4, scalars: 2, outputs: 3)
  }

  /// All are 32-bit floats except the step.
  public var types: TypeRule {
    TypeRule(Array(repeating: [.float32], count: 5) + [.labels], outputs: [.float32])
  }

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var (parameter, first, second) = (inputs[0], inputs[2], inputs[3])
    let (rate, step) = (inputs[4].elements[0], inputs[5].elements[0])
    let (beta1, beta2) = (Double(self.beta1), Double(self.beta2))
    let firstCorrection = 1 - pow(beta1, step)
    let secondCorrection = 1 - pow(beta2, step)
    for i in parameter.elements.indices {
      let g = inputs[1].elements[i]
      let m = beta1 * first.elements[i] + (1 - beta1) * g
      let v = beta2 * second.elements[i] + (1 - beta2) * g * g
      first.elements[i] = m
      second.elements[i] = v
      parameter.elements[i] *= 1 - rate * Double(weightDecay)
      let deviation = (v / secondCorrection).squareRoot() + Double(epsilon)
      parameter.elements[i] -= rate * (m / firstCorrection) / deviation
    }
    return [parameter, first, second]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Parameter, gradient and memories are combined element by element.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// `AdamW`.
  public var glyph: Glyph { Glyph("AdamW", .update) }
}

// MARK: - RMSpropUpdate

/// A step of RMSprop with momentum.
///
/// Inputs: parameter p, gradient g, running square s and velocity v of one shape, and the rate, a
/// scalar. Outputs: p′, s′, v′, where g is first increased by decay·p,
/// s′ = smoothing·s + (1 − smoothing)·g², v′ = momentum·v + g ∕ (√s′ + ε), and p′ = p − rate·v′.
///
/// Source: Tieleman and Hinton, "Neural Networks for Machine Learning", lecture 6.5, 2012, in the
/// form of PyTorch's `RMSprop`, not centred.
public struct RMSpropUpdate: Operator {
  /// See `Operator.name`.
  public static let name = "rmspropUpdate"
  /// The fraction of the running square that a step keeps.
  public var smoothing: Float
  /// The constant that keeps the divisor away from 0.
  public var epsilon: Float
  /// The fraction of the velocity that a step keeps.
  public var momentum: Float
  /// The factor of the parameter that is added to its gradient.
  public var weightDecay: Float

  /// Describes a step.
  public init(smoothing: Float, epsilon: Float, momentum: Float, weightDecay: Float) {
    self.smoothing = smoothing
    self.epsilon = epsilon
    self.momentum = momentum
    self.weightDecay = weightDecay
  }

  /// The parameter's shape, three times.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(smoothing, "smoothing", in: 0...1)
    try expect(epsilon, "epsilon", in: 0...Float.greatestFiniteMagnitude)
    try expect(momentum, "momentum", in: 0...Float.greatestFiniteMagnitude)
    try expect(weightDecay, "weight decay", in: 0...Float.greatestFiniteMagnitude)
    return try updatedShapes(of: inputs, vectors: 4, scalars: 1, outputs: 3)
  }

  /// None.
  public func gradients(at site: GradientSite) -> [Value?] { site.inputs.map { _ in nil } }

  /// One loop.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var (parameter, square, velocity) = (inputs[0], inputs[2], inputs[3])
    let (smoothing, rate) = (Double(self.smoothing), inputs[4].elements[0])
    for i in parameter.elements.indices {
      let g = inputs[1].elements[i] + Double(weightDecay) * parameter.elements[i]
      let s = smoothing * square.elements[i] + (1 - smoothing) * g * g
      let v = Double(momentum) * velocity.elements[i] + g / (s.squareRoot() + Double(epsilon))
      square.elements[i] = s
      velocity.elements[i] = v
      parameter.elements[i] -= rate * v
    }
    return [parameter, square, velocity]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Parameter, gradient and memories are combined element by element.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .elementwise(.computes)
  }

  // MARK: Glyph

  /// `RMSprop`.
  public var glyph: Glyph { Glyph("RMSprop", .update) }
}

// MARK: - Shape

extension Operator {
  /// Checks that a hyperparameter is in a range.
  fileprivate func expect(
    _ value: Float, _ what: String, in range: ClosedRange<Float>
  ) throws(ConvoyError) {
    guard range.contains(value) else {
      let bounds =
        range.upperBound == .greatestFiniteMagnitude
        ? "of at least \(range.lowerBound)"
        : range.upperBound < 1
          ? "from \(range.lowerBound) to below 1"
          : "from \(range.lowerBound) to \(range.upperBound)"
      throw ConvoyError(.attribute, "expected a \(what) \(bounds), got \(value)")
    }
  }

  /// The shapes of a step's outputs: that of the parameter, which all operands share.
  fileprivate func updatedShapes(
    of inputs: [Shape], vectors: Int, scalars: Int, outputs: Int
  ) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: vectors + scalars...vectors + scalars)
    for input in inputs[..<vectors] where input != inputs[0] {
      throw ConvoyError(
        .shape, "expected a tensor of the parameter's shape \(inputs[0]), got \(input)")
    }
    for input in inputs[vectors...] where input.rank != 0 {
      throw ConvoyError(.shape, "expected a scalar, got \(input)")
    }
    return Array(repeating: inputs[0], count: outputs)
  }
}
