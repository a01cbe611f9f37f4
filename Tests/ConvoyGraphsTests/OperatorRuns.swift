import ConvoyTensors
import Testing

@testable import ConvoyGraphs

extension ReferenceTensor {
  /// Numbers from a normal distribution.
  init(normal shape: Shape, using random: inout Random) {
    self.init(Tensor(normal: shape, using: &random))
  }
}

/// An operator's outputs by its reference, after its shape rule.
func referenceOutputs(
  of operation: some Operator, _ inputs: [ReferenceTensor]
) throws -> [ReferenceTensor] {
  let shapes = try operation.outputShapes(for: inputs.map(\.shape))
  let outputs = operation.reference(inputs, outputs: shapes)
  #expect(outputs.map(\.shape) == shapes)
  return outputs
}

/// Expects that an operator's shape rule refuses inputs, with this sentence.
func expectRefusal(
  of operation: some Operator, inputs: [Shape], _ message: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let error = #expect(throws: ConvoyError.self, sourceLocation: sourceLocation) {
    try operation.outputShapes(for: inputs)
  }
  #expect(error?.message == message, sourceLocation: sourceLocation)
}

/// Expects that two tensors have the same shape and nearly the same numbers.
func expectClose(
  _ a: ReferenceTensor, _ b: ReferenceTensor, tolerance: Double = 1e-12,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(a.shape == b.shape, sourceLocation: sourceLocation)
  for (x, y) in zip(a.elements, b.elements) {
    #expect(abs(x - y) <= tolerance * max(1, abs(x)), sourceLocation: sourceLocation)
  }
}

extension Graph {
  /// The outputs by the reference, from inputs and parameters by name; parameters that are not given
  /// start as their initialisers say.
  func outputsByReference(_ given: [String: ReferenceTensor]) throws -> [String: ReferenceTensor] {
    let known = evaluatedByReference(try filled(given))
    return try Dictionary(
      uniqueKeysWithValues: outputs.map { ($0.name, try #require(known[$0.value])) })
  }

  /// The parameters after a run, by name.
  func updatesByReference(_ given: [String: ReferenceTensor]) throws -> [String: ReferenceTensor] {
    let known = evaluatedByReference(try filled(given))
    return try Dictionary(
      uniqueKeysWithValues: updates.map { (self[$0.parameter].name, try #require(known[$0.value])) }
    )
  }

  private func filled(
    _ given: [String: ReferenceTensor]
  ) throws -> [ValueID: ReferenceTensor] {
    let drawn = Network(self).initialized(seed: 1).parameters
    var all: [ValueID: ReferenceTensor] = [:]
    for id in inputs + parameters {
      let name = self[id].name
      let tensor: ReferenceTensor = try #require(
        given[name] ?? drawn[name].map { ReferenceTensor($0) }, "Nothing was given for \(name).")
      all[id] = tensor
    }
    return all
  }
}
