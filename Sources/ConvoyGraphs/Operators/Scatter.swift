public import ConvoyTensors

// MARK: Attributes

/// A tensor in which the elements that indices name are changed.
///
/// Inputs: a tensor, indices of int32 or int64, and updates of the tensor's type, with the shape of
/// what the indices name (`Addressing`). Output: the tensor with each named element combined with
/// its update, one after another. An index out of range changes nothing.
public struct Scatter: TypedOperator {
  /// How an update changes an element.
  public enum Function: String, Hashable, Sendable, Codable, CaseIterable {
    /// The update takes its place; the last one where there are several.
    case replace
    /// The sum of both.
    case add
    /// The product of both.
    case multiply
    /// The smaller.
    case minimum
    /// The larger.
    case maximum

    @inline(__always)
    fileprivate func callAsFunction<Number: NumberElement>(
      _ element: Number, _ update: Number
    ) -> Number {
      switch self {
      case .replace: update
      case .add: Number.sum(element, update)
      case .multiply: Number.product(element, update)
      case .minimum: min(element, update)
      case .maximum: max(element, update)
      }
    }
  }

  /// See `Operator.name`.
  public static let name = "scatter"
  /// How indices name elements.
  public var addressing: Addressing
  /// How an update changes an element.
  public var function: Function

  /// Describes a scattering.
  public init(_ addressing: Addressing, _ function: Function) {
    self.addressing = addressing
    self.function = function
  }

  // MARK: Shape and type

  /// The tensor's shape.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 3...3)
    let named = try addressing.namedShape(inputs[0], inputs[1])
    guard inputs[2] == named else {
      throw ConvoyError(.shape, "expected updates of shape \(named), got \(inputs[2])")
    }
    return [inputs[0]]
  }

  /// A tensor and updates of one type, a number unless the updates take the elements' place, and
  /// indices.
  public var types: TypeRule {
    let taken: Set<ElementType> = function == .replace ? .all : .numbers
    return TypeRule([taken, .indices, taken], isUniform: true, separate: [1], outputs: [nil])
  }

  // MARK: Gradient

  /// Of sums of floats, the output's gradient for the tensor, and what the indices name of it for the updates;
  /// otherwise none.
  public func gradients(at site: GradientSite) -> [Value?] {
    let gradient = site.outputGradient
    guard function == .add, site.inputs[0].type == .float32 else { return [nil, nil, nil] }
    return [gradient, nil, gradient.gathered(addressing, site.inputs[1])]
  }

  // MARK: Definition

  /// One loop over runs of neighbours.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let runs = addressing.runs(inputs[0].shape, inputs[1])
    if function == .replace { return [inputs[0].type.apply(Replacing(inputs: inputs, runs: runs))] }
    return [
      inputs[0].type.applyToNumber(Combining(function: function, inputs: inputs, runs: runs))
    ]
  }

  private struct Replacing: TypedFunction {
    let inputs: [Tensor]
    let runs: Addressing.Runs

    func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Tensor {
      runs.scattered(inputs, as: type) { $1 }
    }
  }

  private struct Combining: NumberFunction {
    let function: Function
    let inputs: [Tensor]
    let runs: Addressing.Runs

    func callAsFunction<Number: NumberElement>(_ type: Number.Type) -> Tensor {
      runs.scattered(inputs, as: type) { function($0, $1) }
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Any element may be changed.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `scatter`, and the function unless updates take the elements' place.
  public var glyph: Glyph {
    Glyph(function == .replace ? "scatter" : "scatter \(function.rawValue)", .arrangement)
  }
}

extension Addressing.Runs {
  /// The first tensor with the elements of each run combined with those of the third, in order.
  @inline(__always)
  fileprivate func scattered<Element: TensorElement>(
    _ inputs: [Tensor], as type: Element.Type, _ function: (Element, Element) -> Element
  ) -> Tensor {
    var elements = inputs[0].known(as: type)
    let updates = inputs[2].known(as: type)
    for (index, start) in starts.enumerated() where start >= 0 {
      for k in 0..<length {
        elements[start + k] = function(elements[start + k], updates[index * length + k])
      }
    }
    return Tensor(known: inputs[0].shape, elements)
  }
}

// MARK: Building

extension Value {
  /// The tensor with the elements that indices name changed by updates.
  public func scattered(
    _ addressing: Addressing, _ function: Scatter.Function, indices: Value, updates: Value
  ) -> Value {
    applying(Scatter(addressing, function), [indices, updates])
  }
}
