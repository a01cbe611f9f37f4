import ConvoyEngine
import ConvoyGraphs
import ConvoyKernels
import ConvoyTensors
import Testing

/// Runs a graph by a plan and by the references in Double, and compares all outputs.
///
/// Every run is done twice with parameters frozen and once with them as variables, on one thread and
/// on several: the results must be the same bits. All that on every machine that this one can be.
///
/// - Parameters:
///   - tolerance: relative to the largest magnitude in an output; sums of n products in floats are off
///     by about √n·ε of their terms, and the tests' n stay below 2¹².
func expectPlanMatchesReference(
  _ graph: Graph, tolerance: Double = 2e-5, random: inout Random,
  values: ((String, inout Random) -> Float)? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  var given: [ValueID: ReferenceTensor] = [:]
  var inputs: [String: Tensor] = [:]
  var parameters: [String: Tensor] = [:]
  for id in graph.inputs + graph.parameters {
    let info = graph[id]
    var tensor = Tensor(normal: info.shape, using: &random)
    if let values {
      tensor = try Tensor(
        info.shape, (0..<info.shape.elementCount).map { _ in values(info.name, &random) })
    }
    tensor = tensor.converted(to: info.type)
    given[id] = ReferenceTensor(tensor)
    if info.origin == .input { inputs[info.name] = tensor } else { parameters[info.name] = tensor }
  }
  let expected = graph.evaluatedByReference(given)

  for machine in Machine.available {
    try expectPlanMatchesReference(
      graph, on: machine, inputs, parameters, expected, tolerance, sourceLocation)
  }
}

private func expectPlanMatchesReference(
  _ graph: Graph, on machine: Machine, _ inputs: [String: Tensor],
  _ parameters: [String: Tensor], _ expected: [ValueID: ReferenceTensor], _ tolerance: Double,
  _ sourceLocation: SourceLocation
) throws {
  var options = CompileOptions()
  options.machine = machine
  options.pool = ThreadPool(threadCount: 1)
  let single = try graph.compiled(parameters: parameters, options: options)
  let results = try single.run(named: inputs)
  options.pool = ThreadPool(threadCount: 3)
  let several = try graph.compiled(parameters: parameters, options: options)
  // A second run finds in its arena what the first left there.
  for _ in 0..<2 {
    let again = try several.run(named: inputs)
    for (name, tensor) in results {
      #expect(
        again[name]?.bytes == tensor.bytes,
        "\(name) differs from run to run on \(machine.name)", sourceLocation: sourceLocation)
    }
  }
  let training = try graph.compiledWithVariables(options: options)
  let variables = try Variables(training, parameters: parameters)
  let trained = try training.run(named: inputs, variables: variables)

  for (name, id) in graph.outputs {
    let reference = try #require(expected[id])
    for result in [results, trained] {
      let tensor = try #require(result[name])
      expectClose(tensor, reference, tolerance, "\(machine.name), \(name)", sourceLocation)
    }
  }
  for update in graph.updates {
    let name = graph[update.parameter].name
    let tensor = try #require(variables[name])
    let reference = try #require(expected[update.value])
    expectClose(tensor, reference, tolerance, "\(machine.name), \(name)", sourceLocation)
  }
}

private func expectClose(
  _ tensor: Tensor, _ reference: ReferenceTensor, _ tolerance: Double, _ name: String,
  _ sourceLocation: SourceLocation
) {
  // Not-a-number and infinity are right where the reference says so, and nowhere else.
  let finite = reference.elements.lazy.filter(\.isFinite)
  let scale = max(finite.map(\.magnitude).max() ?? 0, 1e-3)
  var worst = 0.0
  for (got, want) in zip(ReferenceTensor(tensor).elements, reference.elements) {
    if got == want || got.isNaN && want.isNaN { continue }
    let error = abs(got - want)
    worst = max(worst, error.isNaN ? .infinity : error)
  }
  #expect(
    worst <= tolerance * scale, "\(name) \(reference.shape): off by \(worst), largest \(scale)",
    sourceLocation: sourceLocation)
}

extension Tensor {
  /// The elements' bits.
  var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
}
