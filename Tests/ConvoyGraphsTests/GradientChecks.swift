import ConvoyTensors
import Testing

@testable import ConvoyGraphs

/// Compares an operator's gradient with central finite differences of its reference, in Double.
///
/// The operator is put into a graph of its own; the loss is the sum of its outputs, each multiplied
/// element by element with fixed random numbers, so that every output element matters differently.
///
/// - Parameters:
///   - inputs: the shapes of the operator's inputs.
///   - differentiated: the inputs whose gradient is checked; all, unless given.
///   - differentiatedOutputs: the outputs the loss depends on; all, unless given.
///   - values: makes an input's elements; normal unless given. Keep them away from kinks.
///   - types: the inputs' types; float32 unless given.
func expectGradientsMatchDifferences(
  of operation: some Operator, inputs: [Shape], differentiated: [Int]? = nil,
  differentiatedOutputs: [Int]? = nil, random: inout Random,
  values: ((Int, inout Random) -> Float)? = nil,
  types: (Int) -> ElementType = { _ in .float32 }, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let builder = GraphBuilder()
  let handles = inputs.enumerated().map { builder.input("x\($0)", $1, type: types($0)) }
  let outputs = builder.apply(operation, to: handles)
  if let failure = builder.failure { throw failure }
  var loss = builder.scalar(0)
  for index in differentiatedOutputs ?? Array(outputs.indices) {
    let weights = Tensor(normal: outputs[index].shape, using: &random)
    loss = loss + (outputs[index] * builder.constant(weights)).sum()
  }
  let checked = differentiated ?? Array(inputs.indices)
  let gradients = builder.gradients(of: loss, withRespectTo: checked.map { handles[$0] })
  builder.output("loss", loss)
  for gradient in gradients { builder.output(gradient.name + ".out", gradient) }
  let graph = try builder.finish()

  var given: [ValueID: ReferenceTensor] = [:]
  for (index, handle) in handles.enumerated() {
    let elements = (0..<inputs[index].elementCount).map { _ in
      Double(values?(index, &random) ?? random.normal())
    }
    given[handle.id] = ReferenceTensor(inputs[index], elements)
    given[handle.id]?.type = types(index)
  }
  let analytic = graph.evaluatedByReference(given)
  let step = 1e-5
  for (index, gradient) in zip(checked, gradients) {
    let id = handles[index].id
    // Every element of small inputs; a seeded choice of large ones.
    let count = inputs[index].elementCount
    let elements = count <= 24 ? Array(0..<count) : (0..<24).map { _ in random.below(count) }
    for element in elements {
      func lossMoved(by delta: Double) throws -> Double {
        var moved = given
        moved[id]?.elements[element] += delta
        return try #require(graph.evaluatedByReference(moved)[loss.id]).elements[0]
      }
      let difference = (try lossMoved(by: step) - lossMoved(by: -step)) / (2 * step)
      let expected = try #require(analytic[gradient.id]).elements[element]
      #expect(
        abs(difference - expected) <= 1e-5 * max(1, abs(expected), abs(difference)),
        "input \(index), element \(element) of \(inputs[index]): \(operation)",
        sourceLocation: sourceLocation)
    }
  }
}
