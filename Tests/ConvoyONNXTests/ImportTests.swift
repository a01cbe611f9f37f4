import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import SwiftProtobuf
import Testing

@testable import ConvoyONNX

/// Import follows the inputs' shapes and the numbers that are given.
@Suite struct ImportTests {
  private typealias Nodes = RefusalTests

  /// A model of some nodes with inputs and outputs of given types; extents below 1 are open.
  static func model(
    inputs: [(name: String, type: ElementType, extents: [Int64])],
    outputs: [(name: String, type: ElementType)], weights: [Onnx_TensorProto] = [],
    opset: Int = 20, _ nodes: [Onnx_NodeProto]
  ) throws -> ONNXModel {
    var model = RefusalTests.model(opset: opset, weights: weights, nodes)
    model.graph.input = inputs.map { input in declaration(input.name, input.type, input.extents) }
    model.graph.output = outputs.map { output in
      .with {
        $0.name = output.name
        $0.type.tensorType.elemType = Int32(output.type.onnxType.rawValue)
      }
    }
    let bytes: [UInt8] = try model.serializedBytes()
    return try ONNXModel(bytes)
  }

  private static func declaration(
    _ name: String, _ type: ElementType, _ extents: [Int64]
  ) -> Onnx_ValueInfoProto {
    .with {
      $0.name = name
      $0.type.tensorType.elemType = Int32(type.onnxType.rawValue)
      $0.type.tensorType.shape.dim = extents.map { extent in
        .with { if extent > 0 { $0.dimValue = extent } else { $0.dimParam = "open\(-extent)" } }
      }
    }
  }

  // MARK: Shapes

  /// x ∕ shape(x)[0], which a batch of 1 would leave as it is.
  @Test func theBatchIsTheGivenOne() throws {
    let model = try Self.model(
      inputs: [("x", .float32, [0, 2])], outputs: [("y", .float32)],
      weights: [RefusalTests.integers("zero", [0])],
      [
        RefusalTests.node("Shape", ["x"], "shape"),
        RefusalTests.node("Gather", ["shape", "zero"], "batch"),
        RefusalTests.node("Cast", ["batch"], "divisor", [.init("to", 1)]),
        RefusalTests.node("Div", ["x", "divisor"]),
      ])
    for batch in [1, 2, 5, 2] {
      let x = Tensor([batch, 2], repeating: 3)
      #expect(
        try model.run(["x": x])["y"] == Tensor([batch, 2], repeating: 3 / Float(batch)))
    }
    #expect(throws: ConvoyError.self) { try model.model() }
    #expect(try model.model(batch: 4).graph.inputs.count == 1)
  }

  @Test func openExtentsOfOneNameAreOne() throws {
    let model = try Self.model(
      inputs: [("x", .float32, [0, -1]), ("z", .float32, [-1, 0])], outputs: [("y", .float32)],
      [RefusalTests.node("MatMul", ["x", "z"])])
    let graph = try model.model(shapes: ["x": [3, 4]]).graph
    #expect(graph.inputs.map { graph[$0].shape } == [[3, 4], [4, 3]])
  }

  @Test func aFixedExtentIsChecked() throws {
    let model = try Self.model(
      inputs: [("x", .float32, [1, 3])], outputs: [("y", .float32)],
      [RefusalTests.node("Relu", ["x"])])
    let error = #expect(throws: ConvoyError.self) {
      try model.run(["x": Tensor([2, 3], repeating: 1)])
    }
    #expect(error?.message == "The input ‘x’ of The model is declared 1×3, got 2×3.")
    #expect(throws: ConvoyError.self) { try model.model(batch: 2) }
    #expect(try model.model(batch: 1).graph.nodes.count == 1)
  }

  // MARK: Values

  /// Sizes that are computed from an input: known where its numbers are given, an error with its name where
  /// they are not.
  @Test func inputsThatAreParameters() throws {
    let model = try Self.model(
      inputs: [("x", .float32, [1, 6]), ("n", .int64, [2])], outputs: [("y", .float32)],
      weights: [RefusalTests.integers("one", [1])],
      [
        RefusalTests.node("Add", ["n", "one"], "m"),
        RefusalTests.node("Reshape", ["x", "m"]),
      ])
    var random = Random(seed: 3)
    let x = Tensor(normal: [1, 6], using: &random)
    for (rows, columns) in [(1, 6), (2, 3), (3, 2), (2, 3)] {
      let n = try Tensor([2], elements: [Int64(rows) - 1, Int64(columns) - 1])
      #expect(try model.run(["x": x, "n": n])["y"] == x.reshaped(to: [rows, columns]))
    }
    let error = #expect(throws: ConvoyError.self) { try model.model() }
    #expect(error?.message.contains("the numbers of ‘n’") == true, "\(String(describing: error))")
  }

  @Test func plansAreKeptByShapesAndNumbers() throws {
    let model = try Self.model(
      inputs: [("x", .float32, [0, 6]), ("n", .int64, [2])], outputs: [("y", .float32)],
      [RefusalTests.node("Reshape", ["x", "n"])])
    func inputs(_ batch: Int, _ n: [Int64]) throws -> [String: Tensor] {
      ["x": Tensor([batch, 6], repeating: 1), "n": try Tensor([2], elements: n)]
    }
    let first = try model.plan(for: inputs(1, [2, 3]))
    #expect(try model.plan(for: inputs(1, [2, 3])) === first)
    #expect(try model.plan(for: inputs(1, [3, 2])) !== first)
    #expect(try model.plan(for: inputs(2, [4, 3])) !== first)
    #expect(try model.plan(for: inputs(1, [2, 3])) === first)
    for batch in 3..<20 { _ = try model.plan(for: inputs(batch, [2, -1])) }
    #expect(try model.plan(for: inputs(1, [2, 3])) !== first)
  }

  // MARK: Types

  @Test(arguments: ElementType.allCases) func inputsAndOutputsKeepTheirType(
    _ type: ElementType
  ) throws {
    let model = try Self.model(
      inputs: [("x", type, [2, 3])], outputs: [("y", type)],
      [RefusalTests.node("Transpose", ["x"])])
    let x = try Tensor([2, 3], [0, 1, 2, 3, 4, 5]).converted(to: type)
    let y = try model.run(["x": x])["y"]
    #expect(try y == x.transposed())
  }

  /// 2¹¹ + 1 has no float16 between its neighbours.
  @Test func castsRound() throws {
    let model = try Self.model(
      inputs: [("x", .float32, [1])], outputs: [("y", .float32)],
      [
        RefusalTests.node("Cast", ["x"], "half", [.init("to", 10)]),
        RefusalTests.node("Cast", ["half"], "y", [.init("to", 1)]),
      ])
    #expect(try model.run(["x": Tensor([1], repeating: 2049)])["y"] == Tensor([1], repeating: 2048))
  }

  @Test func integersOf64BitsAreExact() throws {
    let large = Int64(1) << 53 + 1
    let model = try Self.model(
      inputs: [("x", .int64, [1])], outputs: [("y", .int64)],
      weights: [RefusalTests.integers("w", [large])], [RefusalTests.node("Add", ["x", "w"])])
    let x = try Tensor([1], elements: [large])
    #expect(try model.run(["x": x])["y"] == Tensor([1], elements: [2 * large]))
  }

  @Test func aDeclaredTypeIsTheComputedOne() throws {
    let model = try Self.model(
      inputs: [("x", .int64, [1])], outputs: [("y", .float32)],
      [RefusalTests.node("Identity", ["x"])])
    let error = #expect(throws: ConvoyError.self) { try model.model() }
    #expect(error?.message.contains("declared as float32, but is computed as int64") == true)
  }

  // MARK: Names

  @Test func twoMakersOfOneValueAreRefused() throws {
    let relu = RefusalTests.node("Relu", ["x"])
    let messages = [
      try RefusalTests.message(RefusalTests.model([relu, relu])),
      try RefusalTests.message(
        RefusalTests.model(weights: [RefusalTests.weights("y", [1], 1)], [relu])),
      try RefusalTests.message(
        RefusalTests.model(
          weights: Array(repeating: RefusalTests.weights("w", [1], 1), count: 2), [relu])),
    ]
    #expect(messages[0].contains("‘y’ is made twice"), "\(messages[0])")
    #expect(messages[1].contains("‘y’ is made twice"), "\(messages[1])")
    #expect(messages[2].contains("two initialisers named ‘w’"), "\(messages[2])")
  }

  /// An output that an operator may have and Convoy does not make.
  @Test func anOutputThatIsNotMadeIsNamed() throws {
    var node = RefusalTests.node("Relu", ["x"])
    node.output = ["y", "second"]
    let reader = RefusalTests.node("Neg", ["second"], "z")
    let message = try RefusalTests.message(RefusalTests.model([node, reader]))
    #expect(
      message.contains("Relu ‘the Relu’ (its output 2, ‘second’, is not supported)"), "\(message)")
  }
}
