public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// MARK: - CrossEntropy

/// The mean cross-entropy of scores and labels.
///
/// Inputs: scores [B, C, …] before any softmax, and labels [B, …], the indices of classes from 0:
/// int32 or int64, or float32 as in graphs that were saved before there were other types. Output: a
/// scalar, the mean over all labels of −Σ tᵢ·log softmax(scores)ᵢ. The target t is smoothing∕C for
/// every class, and 1 − smoothing more for the label's (as PyTorch defines it).
///
/// If a label is not a whole number from 0 to C − 1, the loss and its gradients are NaN: labels are
/// checked when data sets are read, not in a run.
public struct CrossEntropy: Operator {
  /// See `Operator.name`.
  public static let name = "crossEntropy"
  /// The fraction of the target that is distributed over all classes, from 0 to 1.
  public var labelSmoothing: Float

  /// Describes a cross-entropy.
  public init(labelSmoothing: Float) { self.labelSmoothing = labelSmoothing }

  /// A scalar.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let (scores, labels) = (inputs[0], inputs[1])
    guard scores.rank >= 2 else {
      throw ConvoyError(.shape, "expected scores of shape batch×classes, got \(scores)")
    }
    let expected = Shape([scores[0]] + scores.dimensions.dropFirst(2))
    guard labels == expected else {
      throw ConvoyError(
        .shape, "expected labels of shape \(expected) for scores of \(scores), got \(labels)")
    }
    guard (0...1).contains(labelSmoothing) else {
      throw ConvoyError(
        .attribute, "expected a label smoothing from 0 to 1, got \(labelSmoothing)")
    }
    return [[]]
  }

  /// Scores are 32-bit floats, labels integers.
  public var types: TypeRule { TypeRule([[.float32], .labels], outputs: [.float32]) }

  /// A separate operator for the scores; labels have none.
  public func gradients(at site: GradientSite) -> [Value?] {
    guard site.isNeeded[0] else { return [nil, nil] }
    let gradient = CrossEntropyGradient(labelSmoothing: labelSmoothing)
    return [site.inputs[0].applying(gradient, [site.inputs[1], site.outputGradient]), nil]
  }

  /// A loop over the labels.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (scores, labels) = (inputs[0], inputs[1].elements)
    var sum = 0.0
    for (line, label) in zip(scores.shape.lines(along: 1), labels) {
      let logarithms = logarithmicSoftmax(line.map { scores.elements[$0] })
      let wanted = target(label: label, classes: line.count)
      // A score of −∞ contributes nothing if its target is 0; the product 0 · ∞ would be NaN.
      for (t, logarithm) in zip(wanted, logarithms) where t != 0 {
        sum -= t * logarithm
      }
    }
    return [ReferenceTensor(outputs[0], [sum / Double(labels.count)])]
  }

  /// The target probabilities.
  func target(label: Double, classes: Int) -> [Double] {
    let smoothing = Double(labelSmoothing)
    guard let label = Int(exactly: label), (0..<classes).contains(label) else {
      return Array(repeating: .nan, count: classes)
    }
    var target = Array(repeating: smoothing / Double(classes), count: classes)
    target[label] += 1 - smoothing
    return target
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// One number.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `cross-entropy`.
  public var glyph: Glyph { Glyph("cross-entropy", .reduction) }
}

// MARK: - CrossEntropyGradient

/// The gradient of a cross-entropy's scores.
///
/// Inputs: scores [B, C, …], labels [B, …], and the loss's gradient g, a scalar. Output: the scores'
/// shape, g ∕ number of labels · (softmax(scores) − target).
public struct CrossEntropyGradient: Operator {
  /// See `Operator.name`.
  public static let name = "crossEntropyGradient"
  /// The fraction of the target that is distributed over all classes, from 0 to 1.
  public var labelSmoothing: Float

  /// Describes the gradient of a cross-entropy.
  public init(labelSmoothing: Float) { self.labelSmoothing = labelSmoothing }

  private var forward: CrossEntropy { CrossEntropy(labelSmoothing: labelSmoothing) }

  /// The scores' shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 3...3)
    let loss = try forward.outputShapes(for: Array(inputs[..<2]))[0]
    guard inputs[2] == loss else {
      throw ConvoyError(.shape, "expected a gradient of shape \(loss), got \(inputs[2])")
    }
    return [inputs[0]]
  }

  /// Scores and the loss's gradient are 32-bit floats, labels integers.
  public var types: TypeRule {
    TypeRule([[.float32], .labels, [.float32]], outputs: [.float32])
  }

  /// None: a cross-entropy is differentiated once only.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil, nil] }

  /// A loop over the labels.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (scores, labels) = (inputs[0], inputs[1].elements)
    let scale = inputs[2].elements[0] / Double(labels.count)
    var result = ReferenceTensor(outputs[0])
    for (line, label) in zip(scores.shape.lines(along: 1), labels) {
      let logarithms = logarithmicSoftmax(line.map { scores.elements[$0] })
      let target = forward.target(label: label, classes: line.count)
      for (i, offset) in line.enumerated() {
        result.elements[offset] = scale * (exp(logarithms[i]) - target[i])
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Over the classes, which are in the dimension of channels.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `∂ cross-entropy`.
  public var glyph: Glyph { Glyph("∂ cross-entropy", .reduction) }
}

// MARK: - Building

extension Value {
  /// The mean cross-entropy of these scores, [B, C, …] before any softmax, and labels [B, …].
  ///
  /// - Parameter labelSmoothing: the fraction of the target that is distributed over all classes.
  public func crossEntropy(with labels: Value, labelSmoothing: Float = 0) -> Value {
    applying(CrossEntropy(labelSmoothing: labelSmoothing), [labels])
  }
}
