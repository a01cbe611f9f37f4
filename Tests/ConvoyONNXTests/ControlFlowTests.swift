import ConvoyEngine
import ConvoyGraphs
import ConvoyTensors
import SwiftProtobuf
import Testing

@testable import ConvoyONNX

/// Branches, loops and functions of a model become the nodes that they run.
@Suite struct ControlFlowTests {
  private static func graph(
    inputs: [String] = [], outputs: [String], _ nodes: [Onnx_NodeProto]
  ) -> Onnx_GraphProto {
    .with {
      $0.input = inputs.map { name in .with { $0.name = name } }
      $0.output = outputs.map { name in .with { $0.name = name } }
      $0.node = nodes
    }
  }

  private static func attribute(_ name: String, _ graph: Onnx_GraphProto) -> Onnx_AttributeProto {
    .with { ($0.name, $0.type, $0.g) = (name, .graph, graph) }
  }

  private static let x = Tensor([2], repeating: 3)

  /// The branches read a name around them; one of them is of operators that are not supported.
  @Test(arguments: [true, false]) func branches(_ condition: Bool) throws {
    let double = Self.graph(outputs: ["then"], [RefusalTests.node("Add", ["x", "x"], "then")])
    let square = Self.graph(outputs: ["else"], [RefusalTests.node("Mul", ["x", "x"], "else")])
    let model = try ImportTests.model(
      inputs: [("x", .float32, [2]), ("c", .bool, [])], outputs: [("y", .float32)],
      [
        RefusalTests.node(
          "If", ["c"], "y",
          [Self.attribute("then_branch", double), Self.attribute("else_branch", square)])
      ])
    let y = try model.run(["x": Self.x, "c": Tensor(scalar: condition)])["y"]
    #expect(y == Tensor([2], repeating: condition ? 6 : 9))
    let error = #expect(throws: ConvoyError.self) { try model.model() }
    #expect(error?.message.contains("‘c’") == true)
  }

  /// Each iteration doubles, and keeps what it doubled.
  @Test(arguments: [1, 3] as [Int64]) func loops(_ trips: Int64) throws {
    let body = Self.graph(
      inputs: ["i", "goes", "before"], outputs: ["goes on", "after", "kept"],
      [
        RefusalTests.node("Identity", ["goes"], "goes on"),
        RefusalTests.node("Add", ["before", "before"], "after"),
        RefusalTests.node("Identity", ["before"], "kept"),
      ])
    var loop = RefusalTests.node("Loop", ["n", "", "x"], "y", [Self.attribute("body", body)])
    loop.output = ["y", "z"]
    let model = try ImportTests.model(
      inputs: [("x", .float32, [2]), ("n", .int64, [])],
      outputs: [("y", .float32), ("z", .float32)], [loop])
    let results = try model.run(["x": Self.x, "n": Tensor(scalar: trips)])
    #expect(results["y"] == Tensor([2], repeating: 3 * Float(1 << trips)))
    let kept = (0..<trips).flatMap { [3 * Float(1 << $0), 3 * Float(1 << $0)] }
    #expect(try results["z"] == Tensor([Int(trips), 2], kept))
  }

  /// A loop that stops by its condition: the numbers 1, 2, 4 … below a bound.
  @Test func loopsThatStop() throws {
    let body = Self.graph(
      inputs: ["i", "goes", "before"], outputs: ["goes on", "after"],
      [
        RefusalTests.node("Add", ["before", "before"], "after"),
        RefusalTests.node("Less", ["after", "bound"], "goes on"),
      ])
    let model = try ImportTests.model(
      inputs: [("bound", .int64, [])], outputs: [("y", .int64)],
      weights: [.with { ($0.name, $0.dataType, $0.int64Data) = ("one", 7, [1]) }],
      [RefusalTests.node("Loop", ["", "", "one"], "y", [Self.attribute("body", body)])])
    let y = try model.run(["bound": Tensor(scalar: 100 as Int64)])["y"]
    #expect(y == Tensor(scalar: 128 as Int64))
  }

  /// A loop without an end is stopped by what a file of its size may ask for.
  @Test func loopsWithoutEnd() throws {
    let body = Self.graph(
      inputs: ["i", "goes", "before"], outputs: ["goes", "after"],
      [RefusalTests.node("Add", ["before", "before"], "after")])
    let message = try RefusalTests.message(
      RefusalTests.model(
        [RefusalTests.node("Loop", ["", "", "x"], "y", [Self.attribute("body", body)])]))
    #expect(message.contains("grow far beyond"), "\(message)")
  }

  /// Sums of the rows so far.
  @Test func scans() throws {
    let body = Self.graph(
      inputs: ["sum", "row"], outputs: ["next", "kept"],
      [
        RefusalTests.node("Add", ["sum", "row"], "next"),
        RefusalTests.node("Identity", ["next"], "kept"),
      ])
    var scan = RefusalTests.node(
      "Scan", ["s", "x"], "y",
      [Self.attribute("body", body), .init("num_scan_inputs", 1)])
    scan.output = ["last", "y"]
    let model = try ImportTests.model(
      inputs: [("s", .float32, [2]), ("x", .float32, [3, 2])],
      outputs: [("last", .float32), ("y", .float32)], [scan])
    let results = try model.run([
      "s": Tensor([2], repeating: 1), "x": try Tensor([3, 2], [1, 2, 3, 4, 5, 6]),
    ])
    #expect(try results["y"] == Tensor([3, 2], [2, 3, 5, 7, 10, 13]))
    #expect(try results["last"] == Tensor([2], [10, 13]))
  }

  /// A function with an attribute that has a default, and an input that its call leaves out.
  @Test func functions() throws {
    var function = Onnx_FunctionProto()
    (function.name, function.domain) = ("Scaled", "local")
    (function.input, function.output) = (["a", "bound"], ["b"])
    function.attributeProto = [.init("slope", Float(0.5))]
    var leaky = RefusalTests.node("LeakyRelu", ["a"], "leaky")
    leaky.attribute = [
      .with { ($0.name, $0.refAttrName, $0.type) = ("alpha", "slope", .float) }
    ]
    function.node = [leaky, RefusalTests.node("Clip", ["leaky", "bound"], "b")]
    function.opsetImport = [.with { $0.version = 17 }]
    var model = RefusalTests.model(
      extents: [2],
      [
        .with {
          ($0.opType, $0.domain, $0.name) = ("Scaled", "local", "first")
          ($0.input, $0.output) = (["x"], ["z"])
        },
        .with {
          ($0.opType, $0.domain, $0.name) = ("Scaled", "local", "second")
          ($0.input, $0.output, $0.attribute) = (["z"], ["y"], [.init("slope", Float(4))])
        },
      ])
    model.opsetImport.append(.with { ($0.domain, $0.version) = ("local", 1) })
    model.functions = [function]
    let bytes: [UInt8] = try model.serializedBytes()
    let y = try ONNXModel(bytes).run(["x": try Tensor([2], [-1, 3])])["y"]
    #expect(try y == Tensor([2], [-2, 3]))
  }

  /// Functions that call each other without end.
  @Test func functionsWithoutEnd() throws {
    let call: Onnx_NodeProto = .with {
      ($0.opType, $0.domain, $0.name) = ("Again", "local", "again")
      ($0.input, $0.output) = (["x"], ["y"])
    }
    var model = RefusalTests.model([call])
    model.functions = [
      .with {
        ($0.name, $0.domain, $0.input, $0.output) = ("Again", "local", ["x"], ["y"])
        $0.node = [call]
        $0.opsetImport = [.with { $0.version = 17 }]
      }
    ]
    #expect(try RefusalTests.message(model).contains("deep"))
  }
}
