import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import ConvoyZoo
import Foundation
import Testing

@testable import ConvoyONNX

/// What is written is read again as the same function.
@Suite struct ExportTests {
  /// Runs a model on numbers that follow from its inputs' names and shapes.
  static func outputs(of model: Model) throws -> [Tensor] {
    var random = Random(seed: 5)
    var inputs: [String: Tensor] = [:]
    for id in model.graph.inputs {
      inputs[model.graph[id].name] = Tensor(normal: model.graph[id].shape, using: &random)
    }
    let simple = try model.simplified()
    let results = try simple.graph.compiled(parameters: simple.parameters).run(named: inputs)
    return try model.graph.outputs.map { try #require(results[$0.name]) }
  }

  static func expectUnchanged(_ model: Model, batch: Int = 1, _ what: String) throws {
    let again = try ONNXModel(ONNXModel.encoded(model)).model(batch: batch)
    for (got, wanted) in zip(try outputs(of: again), try outputs(of: model)) {
      expectClose(got, wanted, what)
    }
  }

  @Test(arguments: Golden.names) func exportedAfterImport(_ name: String) throws {
    let model = try GoldenTests.read(name)
    let batch = model.graph.inputs.first.flatMap { model.graph[$0].shape.dimensions.first } ?? 1
    let bytes: [UInt8]
    do throws(ConvoyError) {
      bytes = try ONNXModel.encoded(model)
    } catch {
      // Some forms came after version 17, in which models are written.
      let later = [
        "average_dilated", "deformable", "gru_", "lp_pool_dilated", "lstm_", "resample_", "rnn_",
        "sample_volume",
      ]
      let isLater = later.contains { name.hasPrefix($0) }
      #expect(isLater && error.kind == .argument, "\(error)")
      return
    }
    try GoldenTests.check(try ONNXModel(bytes).model(batch: batch), name)
  }

  @Test func parametersKeepTheirNames() throws {
    let model = try GoldenTests.read("conv_1d")
    #expect(Set(model.parameters.keys) == ["w", "b"])
    let again = try ONNXModel(ONNXModel.encoded(model)).model(batch: 2)
    #expect(again.parameters == model.parameters)
  }

  private static let ofAnyNumber = [
    ScalarFunction.relu, .clip(low: 0, high: 6), .clip(low: -.infinity, high: 1),
    .leakyReLU(slope: 0.1), .sigmoid, .tanh, .hardSigmoid(slope: 0.2, offset: 0.4), .hardSwish,
    .silu, .gelu, .exponential, .square, .absoluteValue, .reciprocal, .affine(scale: 2, offset: 3),
    .affine(scale: 1, offset: 3), .step, .errorFunction, .softplus, .softsign, .elu(alpha: 0.5),
    .mish, .approximateGELU, .power(exponent: 3),
  ]

  private static let ofPositiveNumbers = [ScalarFunction.logarithm, .squareRoot]

  @Test func everyActivationIsExported() {
    let exported = Set((Self.ofAnyNumber + Self.ofPositiveNumbers).map(\.name))
    #expect(exported == Set(Activations.all.map { $0.name }))
  }

  @Test(arguments: ofPositiveNumbers)
  func functionsOfPositiveNumbers(_ function: ScalarFunction) throws {
    let network = try Network(input: [3, 4, 5]) {
      $0.applying(.exponential).applying(function)
    }
    try Self.expectUnchanged(network.initialized(seed: 1), "\(function)")
  }

  @Test(arguments: ofAnyNumber) func functions(_ function: ScalarFunction) throws {
    let network = try Network(input: [3, 4, 5]) { $0.applying(function) }
    try Self.expectUnchanged(network.initialized(seed: 1), "\(function)")
  }

  /// Functions that exporters take apart come back in one piece.
  @Test(arguments: [ScalarFunction.silu, .gelu, .hardSwish, .mish])
  func idioms(_ function: ScalarFunction) throws {
    let network = try Network(input: [3, 4, 5]) { $0.applying(function) }
    let again = try ONNXModel(ONNXModel.encoded(network.initialized(seed: 1))).model(batch: 1)
    #expect(again.graph.nodes.map { $0.operation as? Elementwise } == [Elementwise(function)])
  }

  @Test func everyOtherOperator() throws {
    let network = try Network(input: [6, 8, 9]) { image in
      var x = image.convolution(12, kernel: 3, stride: 2, padding: .same, groups: 3)
        .batchNormalization().parametricReLU().channelShuffle(groups: 3)
        .localResponseNormalization().dropout(0.3)
      x = concatenate([x.maxPooling(2, stride: 1), x.averagePooling(2, stride: 1, roundsUp: true)])
      x = x.padded(before: [0, 0, 1, 0], after: [0, 0, 0, 2], value: 0.5)
      x = x.transposedConvolution(8, kernel: 3, stride: 2, padding: 1, outputPadding: 1)
      x = x.standardized(over: [2, 3]) + x.standardized(over: [1])
      x = x.resized(to: [5, 7]) * x.globalMaxPooling()
      x = concatenate([
        x.sliced(1..<7, dimension: 1, step: 2), x.resized(to: [5, 7], .nearest(.down)),
      ])
      let tokens = x.reshaped([0, 11, -1]).transposed([0, 2, 1])
      let mixed = tokens.matrixProduct(tokens.transposed([0, 2, 1])).softmax(dimension: 2)
      return mixed.mean(over: [1]).linear(5).logSoftmax()
    }
    let model = network.initialized(seed: 3)
    try Self.expectUnchanged(model, "network")
    // The batch is left open.
    let resized = try Model(model.graph.resized(batch: 3), parameters: model.parameters)
    let again = try ONNXModel(ONNXModel.encoded(model)).model(batch: 3)
    for (got, wanted) in zip(try Self.outputs(of: again), try Self.outputs(of: resized)) {
      expectClose(got, wanted, "batch of 3")
    }
  }

  @Test(arguments: ["zoo:squeezenet-1.1", "zoo:lenet"]) func zoo(_ name: String) throws {
    try Self.expectUnchanged(Zoo.network(name).initialized(seed: 2), name)
  }

  @Test func trainingIsRefused() throws {
    let builder = GraphBuilder()
    let x = builder.input("x", [2, 3])
    builder.output("y", x.applying(ElementwiseGradient(.relu), [x]))
    let model = try Model(builder.finish(), parameters: [:])
    #expect(throws: ConvoyError.self) { try ONNXModel.encoded(model) }
  }

  @Test func weightsBesideTheFile() throws {
    let folder =
      FileManager.default.temporaryDirectory.path + "/onnx-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let model = try Network(input: [3, 6, 6]) { $0.convolution(4, kernel: 3).relu() }
      .initialized(seed: 1)
    try ONNXModel.write(model, to: folder + "/model.onnx", largestInline: 0)
    #expect(try ONNXModel(folder + "/model.onnx").model(batch: 1).parameters == model.parameters)
    try ONNXModel.write(model, to: folder + "/whole.onnx")
    #expect(try ONNXModel(folder + "/whole.onnx").model(batch: 1).parameters == model.parameters)
    // The numbers are gone: one sentence.
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: folder + "/model.onnx.data"))
    #expect(throws: ConvoyError.self) { try ONNXModel(folder + "/model.onnx").model(batch: 1) }
  }
}
