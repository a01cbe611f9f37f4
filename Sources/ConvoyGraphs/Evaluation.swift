public import ConvoyTensors

extension Graph {
  /// A node's outputs for known inputs, in the types of its values.
  ///
  /// Integers are exact: by the operator's own definition, or because an operator that only moves
  /// numbers is asked where they go. Only an operator with neither computes in Double, where
  /// integers beyond 2⁵³ are rounded.
  ///
  /// - Precondition: the inputs have the node's shapes and types.
  public func evaluated(_ node: Node, _ inputs: [Tensor]) -> [Tensor] {
    let outputs = node.outputs.map { TensorType(self[$0].shape, self[$0].type) }
    if let operation = node.operation as? any TypedOperator {
      return operation.define(inputs, outputs: outputs)
    }
    let traits = traits(of: node)
    switch traits.effect {
    case .nothing, .reshapes:
      if let same = try? inputs[0].reshaped(to: outputs[0].shape) { return [same] }
    case .moves where outputs[0].type.size == 8:
      return node.operation.moved(inputs, outputs: outputs)
    case .moves, .computes, .finds: break
    }
    let results = node.operation.reference(
      inputs.map { ReferenceTensor($0) }, outputs: outputs.map(\.shape))
    return zip(results, outputs).map {
      Tensor(doubles: $0.elements, $0.shape).converted(to: $1.type)
    }
  }
}

extension Operator {
  /// The outputs of an operator that only moves numbers, of any type exactly.
  ///
  /// The reference moves places in place of numbers. A half is added to each place, so that a
  /// constant that the operator adds, which is an integer, is none of them.
  fileprivate func moved(_ inputs: [Tensor], outputs: [TensorType]) -> [Tensor] {
    var first = 0
    let places = inputs.map { tensor in
      defer { first += tensor.shape.elementCount }
      return ReferenceTensor(
        tensor.shape, (first..<first + tensor.shape.elementCount).map { Double($0) + 0.5 })
    }
    let moved = reference(places, outputs: outputs.map(\.shape))
    return zip(moved, outputs).map { tensor, output in
      output.type.apply(Gathering(inputs: inputs, places: tensor))
    }
  }
}

/// The elements at some places of several tensors, counted on from one tensor to the next.
private struct Gathering: TypedFunction {
  let inputs: [Tensor]
  let places: ReferenceTensor

  func callAsFunction<Element: TensorElement>(_ type: Element.Type) -> Tensor {
    let elements = inputs.flatMap { $0.known(as: type) }
    return Tensor(
      known: places.shape,
      places.elements.map { place in
        place == place.rounded(.down) ? Element(converting: place) : elements[Int(place)]
      })
  }
}
