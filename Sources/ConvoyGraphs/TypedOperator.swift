public import ConvoyTensors

/// An operator whose definition computes in the types of its values.
///
/// Its definition stands once: it is the operator's reference, in Double for floats; it evaluates
/// nodes whose inputs are known, exactly for integers; and a plan runs it, unless the operator has
/// kernels of its own. It suits operators that are rare in convolutional networks, and those of
/// integers and truth values.
public protocol TypedOperator: Operator {
  /// The definition: plain loops over elements.
  ///
  /// - Parameters:
  ///   - inputs: tensors that satisfy the shape rule and the type rule, but that floats may be
  ///     float64 as well as float32, all of them alike.
  ///   - outputs: the outputs' shapes and types; floats have the inputs' precision.
  /// - Returns: tensors of these shapes and types.
  func define(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor]
}

extension TypedOperator {
  /// By default, the definition in Double.
  public func reference(_ inputs: [ReferenceTensor], outputs: [Shape]) -> [ReferenceTensor] {
    let rule = types
    let given = inputs.enumerated().map { index, input in
      let accepted = rule.inputs[min(index, rule.inputs.count - 1)]
      let doubles = Tensor(doubles: input.elements, input.shape)
      if input.type.isFloating, accepted.contains(.float32) { return doubles }
      // Numbers of a reference may have lost their type: that of indices and conditions follows.
      let type =
        accepted.contains(input.type)
        ? input.type
        : accepted.contains(.int64) ? .int64 : accepted.contains(.bool) ? .bool : .int32
      return doubles.converted(to: type)
    }
    let types = given.map { $0.type.isFloating ? .float32 : $0.type }
    let made: [ElementType]
    do {
      made = try rule.outputTypes(for: types, count: outputs.count)
    } catch {
      preconditionFailure(error.message)
    }
    let results = define(
      given,
      outputs: zip(outputs, made).map { TensorType($0, $1.isFloating ? .float64 : $1) })
    return zip(results, made).map { result, type in
      var reference = ReferenceTensor(result)
      reference.type = type
      return reference
    }
  }
}

extension Tensor {
  /// The elements of a type that the type rule has made sure of.
  ///
  /// - Precondition: the tensor's elements have that type.
  func known<Element: TensorElement>(as type: Element.Type) -> [Element] {
    do {
      return try elements(as: type)
    } catch {
      preconditionFailure(error.message)
    }
  }

  /// A tensor of as many elements as the shape has.
  init<Element: TensorElement>(known shape: Shape, _ elements: [Element]) {
    do {
      try self.init(shape, elements: elements)
    } catch {
      preconditionFailure(error.message)
    }
  }
}
