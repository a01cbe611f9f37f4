public import ConvoyTensors

// MARK: Attributes

/// The elements of a tensor that indices name.
///
/// Inputs: a tensor of any type, and indices of int32 or int64. Output: what they name, in their
/// order, with the shape that follows from `Addressing`. An index out of range names zeros.
public struct Gather: TypedOperator {
  /// See `Operator.name`.
  public static let name = "gather"
  /// How indices name elements.
  public var addressing: Addressing

  /// Describes what is gathered.
  public init(_ addressing: Addressing) { self.addressing = addressing }

  // MARK: Shape and type

  /// See `Operator.outputShapes(for:)`.
  public func outputShapes(for inputs: [Shape]) throws(ConvoyError) -> [Shape] {
    try expect(inputs, count: 2...2)
    return [try addressing.namedShape(inputs[0], inputs[1])]
  }

  /// A tensor of any type, which is kept, and indices.
  public var types: TypeRule { TypeRule([.all, .indices], outputs: [nil]) }

  // MARK: Gradient

  /// The tensor gets the sum of the gradients of what was taken from each element.
  public func gradients(at site: GradientSite) -> [Value?] {
    let (tensor, gradient) = (site.inputs[0], site.outputGradient)
    guard site.isNeeded[0], tensor.type == .float32 else { return [nil, nil] }
    let zeros = gradient.builder.scalar(0).repeated(to: tensor.shape)
    return [zeros.applying(Scatter(addressing, .add), [site.inputs[1], gradient]), nil]
  }

  // MARK: Definition

  /// One loop over runs of neighbours.
  public func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    let runs = addressing.runs(inputs[0].shape, inputs[1])
    return [inputs[0].type.apply(Loop(input: inputs[0], shape: outputs[0].shape, runs: runs))]
  }

  private struct Loop: TypedFunction {
    let input: Tensor
    let shape: Shape
    let runs: Addressing.Runs

    func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Tensor {
      let elements = input.known(as: type)
      let zero = Element(bits: 0)
      if runs.length == 1 {
        return Tensor(known: shape, runs.starts.map { $0 < 0 ? zero : elements[$0] })
      }
      var taken: [Element] = []
      taken.reserveCapacity(shape.elementCount)
      for start in runs.starts {
        if start < 0 {
          taken.append(contentsOf: repeatElement(zero, count: runs.length))
        } else {
          taken.append(contentsOf: elements[start..<start + runs.length])
        }
      }
      return Tensor(known: shape, taken)
    }
  }

  // MARK: Traits

  /// See `Operator.kind`.
  public var kind: OperatorKind { .other }

  /// Any element may be taken.
  public func traits(inputs: [Shape], outputs: [Shape]) -> OperatorTraits {
    .mixingAll(.computes, hasBoundedReference: true)
  }

  // MARK: Glyph

  /// `gather`.
  public var glyph: Glyph { Glyph("gather", .arrangement) }
}

// MARK: Building

extension Value {
  /// The elements that indices name.
  public func gathered(_ addressing: Addressing, _ indices: Value) -> Value {
    applying(Gather(addressing), [indices])
  }
}
