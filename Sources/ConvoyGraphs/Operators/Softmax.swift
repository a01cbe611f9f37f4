public import ConvoyTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

// MARK: - Softmax

/// Numbers as probabilities: eˣ ∕ Σeˣ along a dimension, or its logarithm.
///
/// Input: a tensor. Output: the same shape.
public struct Softmax: Operator {
  /// See `Operator.name`.
  public static let name = "softmax"
  /// The dimension along which the results sum to 1.
  public var dimension: Int
  /// Whether the results are logarithms of probabilities.
  public var isLogarithmic: Bool

  /// Describes a softmax.
  public init(dimension: Int, isLogarithmic: Bool) {
    self.dimension = dimension
    self.isLogarithmic = isLogarithmic
  }

  /// The input's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 1...1)
    guard (0..<inputs[0].rank).contains(dimension) else {
      throw ConvoyError(
        .attribute, "expected a dimension of the shape \(inputs[0]), got \(dimension)")
    }
    return inputs
  }

  /// A separate operator, which reads the result.
  public func gradients(at site: GradientSite) -> [Value?] {
    let gradient = SoftmaxGradient(dimension: dimension, isLogarithmic: isLogarithmic)
    return [site.outputs[0].applying(gradient, [site.outputGradient])]
  }

  /// Along each line: the largest element is subtracted first, so that no exponential overflows.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    var result = inputs[0]
    for line in outputs[0].lines(along: dimension) {
      let logarithms = logarithmicSoftmax(line.map { inputs[0].elements[$0] })
      for (offset, logarithm) in zip(line, logarithms) {
        result.elements[offset] = isLogarithmic ? logarithm : exp(logarithm)
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Over the dimension.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], .computes, hasBoundedReference: true)
  }

  /// Along the dimension's place.
  public func transposedForm(places: [Int]) -> TransposedForm? {
    let form = Softmax(dimension: places[dimension], isLogarithmic: isLogarithmic)
    return TransposedForm(form, places)
  }

  // MARK: Glyph

  /// `softmax`.
  public var glyph: Glyph { Glyph(isLogarithmic ? "log softmax" : "softmax", .normalization) }
}

// MARK: - SoftmaxGradient

/// The gradient of `Softmax`.
///
/// Inputs: the softmax's result y and the gradient g, of one shape. Output: that shape,
/// y·(g − Σg·y), or g − eʸ·Σg for a logarithm.
public struct SoftmaxGradient: Operator {
  /// See `Operator.name`.
  public static let name = "softmaxGradient"
  /// The dimension along which the softmax sums to 1.
  public var dimension: Int
  /// Whether the softmax's result is a logarithm.
  public var isLogarithmic: Bool

  /// Describes the gradient of a softmax.
  public init(dimension: Int, isLogarithmic: Bool) {
    self.dimension = dimension
    self.isLogarithmic = isLogarithmic
  }

  private var forward: Softmax { Softmax(dimension: dimension, isLogarithmic: isLogarithmic) }

  /// The shape of both.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    let output = try forward.outputShapes(for: [inputs[0]])
    guard inputs[1] == inputs[0] else {
      throw ConvoyError(.shape, "expected a gradient of shape \(inputs[0]), got \(inputs[1])")
    }
    return output
  }

  /// None: a softmax is differentiated once only.
  public func gradients(at site: GradientSite) -> [Value?] { [nil, nil] }

  /// Along each line: a sum, then the results.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let (y, gradient) = (inputs[0].elements, inputs[1].elements)
    var result = ReferenceTensor(outputs[0])
    for line in outputs[0].lines(along: dimension) {
      let sum = line.reduce(0) { $0 + gradient[$1] * (isLogarithmic ? 1 : y[$1]) }
      for i in line {
        result.elements[i] =
          isLogarithmic ? gradient[i] - exp(y[i]) * sum : y[i] * (gradient[i] - sum)
      }
    }
    return [result]
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Over the dimension.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixing([dimension], .computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `∂ softmax`.
  public var glyph: Glyph { Glyph("∂ \(forward.glyph.label)", .normalization) }
}

// MARK: - Lines

/// x − log Σeˣ.
func logarithmicSoftmax(_ x: [Double]) -> [Double] {
  let largest = x.max() ?? 0
  let logarithm = largest + log(x.reduce(0) { $0 + exp($1 - largest) })
  return x.map { $0 - logarithm }
}

extension Shape {
  /// The row-major offsets of each line of elements along a dimension.
  func lines(along dimension: Int) -> [[Int]] {
    let stride = strides[dimension]
    return indices.filter { $0[dimension] == 0 }.map { position in
      let start = zip(position, strides).reduce(0) { $0 + $1.0 * $1.1 }
      return (0..<self[dimension]).map { start + $0 * stride }
    }
  }
}

// MARK: - Building

extension Value {
  /// Probabilities: eˣ ∕ Σeˣ along a dimension.
  public func softmax(dimension: Int = 1) -> Value {
    applying(Softmax(dimension: dimension, isLogarithmic: false))
  }

  /// Logarithms of probabilities: x − log Σeˣ along a dimension.
  public func logSoftmax(dimension: Int = 1) -> Value {
    applying(Softmax(dimension: dimension, isLogarithmic: true))
  }
}
