import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import Testing

@testable import ConvoyONNX

/// Models of every operator in several versions, and networks as PyTorch exports them, against what ONNX
/// Runtime computes of them.
@Suite struct GoldenTests {
  /// Runs a model on the inputs that were recorded, and compares.
  static func check(_ model: Model, _ name: String) throws {
    let recorded = try Golden.tensors(name)
    let inputs = model.graph.inputs.map { model.graph[$0].name }
    #expect(recorded.count == inputs.count + model.graph.outputs.count)
    let simple = try model.simplified()
    let plan = try simple.graph.compiled(parameters: simple.parameters)
    let results = try plan.run(
      named: Dictionary(uniqueKeysWithValues: zip(inputs, recorded)))
    for (output, wanted) in zip(model.graph.outputs, recorded.dropFirst(inputs.count)) {
      expectClose(try #require(results[output.name]), wanted, "\(name), \(output.name)")
    }
  }

  static func read(_ name: String) throws -> Model {
    let model = try ONNXModel(Golden.path(name))
    let shapes = zip(model.inputs, try Golden.tensors(name)).map { ($0.name, $1.shape.dimensions) }
    return try model.model(shapes: Dictionary(uniqueKeysWithValues: shapes))
  }

  @Test func modelsAreFound() { #expect(!Golden.names.isEmpty) }

  @Test(arguments: Golden.names) func imported(_ name: String) throws {
    try Self.check(try Self.read(name), name)
  }
}
