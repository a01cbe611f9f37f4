import ConvoyGraphs
import ConvoyTensors
import Foundation
import SwiftProtobuf
import Testing

@testable import ConvoyONNX

/// Models made to break the importer get an error, and no more memory and time than their size warrants.
@Suite struct HostileModelTests {
  /// The length of this range, as a float, is below all integers.
  @Test(arguments: [-Float.infinity, -.greatestFiniteMagnitude, .nan])
  func rangesOfNoLength(end: Float) throws {
    let numbers = [("a", 0), ("b", end), ("c", .leastNonzeroMagnitude)].map { name, number in
      Onnx_TensorProto.with {
        ($0.name, $0.dims, $0.dataType, $0.floatData) = (name, [1], 1, [number])
      }
    }
    let model = RefusalTests.model(
      weights: numbers, [RefusalTests.node("Range", ["a", "b", "c"])])
    #expect(try !RefusalTests.message(model).isEmpty)
  }

  /// Every node that copies constants takes part of the numbers that a file's size allows.
  @Test(arguments: ["Cast", "Slice", "Split"])
  func copiesOfConstants(type: String) throws {
    let (rows, columns) = (2, 1 << 14)
    let weights = Onnx_TensorProto.with {
      ($0.name, $0.dims, $0.dataType) = ("w", [Int64(rows), Int64(columns)], 6)
      $0.int32Data = Array(repeating: 1, count: rows * columns)
    }
    let (inputs, attributes): ([String], [Onnx_AttributeProto]) =
      switch type {
      case "Cast": (["w"], [.init("to", 1)])
      case "Slice": (["w", "start", "end"], [])
      case "Split": (["w", "sizes"], [.init("axis", 0)])
      default: (["w"], [])
      }
    let model = RefusalTests.model(
      weights: [
        weights, RefusalTests.integers("start", [1]), RefusalTests.integers("end", [2]),
        RefusalTests.integers("sizes", [2]),
      ],
      (0..<100).map { RefusalTests.node(type, inputs, "\($0)", attributes) })
    let message = try RefusalTests.message(model)
    #expect(message.contains("grow far beyond"), "\(message)")
  }

  /// Sums of constants are evaluated until their work is more than a file's size allows, and stay in the
  /// graph from then on.
  @Test func manySums() throws {
    let weights = RefusalTests.weights("w", [1, 3, 4, 4], 48)
    var nodes = (0..<9).map {
      RefusalTests.node("Concat", [$0 == 0 ? "w" : "\($0)", $0 == 0 ? "w" : "\($0)"], "\($0 + 1)")
    }
    nodes += (10..<60).map { RefusalTests.node("ReduceSum", ["9"], "\($0)") }
    nodes += (60..<109).map { RefusalTests.node("Add", ["\($0 - 50)", "\($0 - 49)"], "\($0)") }
    nodes.append(RefusalTests.node("Add", ["x", "59"]))
    let bytes: [UInt8] = try RefusalTests.model(weights: [weights], nodes).serializedBytes()
    let graph = try ONNXModel(bytes).model().graph
    #expect(graph.nodes.contains { $0.operation is Reduction })
  }

  /// A slope with more dimensions than what it is applied to, which has no channels.
  @Test(arguments: [[], [4]] as [[Int64]])
  func slopesOfMoreDimensions(extents: [Int64]) throws {
    let model = RefusalTests.model(
      extents: extents, weights: [RefusalTests.weights("w", [1, 4, 1], 4)],
      [RefusalTests.node("PRelu", ["x", "w"])])
    let bytes: [UInt8] = try model.serializedBytes()
    let graph = try ONNXModel(bytes).model().graph
    #expect(graph[graph.outputs[0].value].shape == [1, 4, extents == [] ? 1 : 4])
  }

  /// Of many nodes that are refused, twelve are told and the others counted.
  @Test func manyRefusals() throws {
    let nodes = (0..<20).map { RefusalTests.node("Flatten", ["x"], "\($0)", [.init("axis", 9)]) }
    let unknown = RefusalTests.node("Unheard", ["x"])
    let message = try RefusalTests.message(RefusalTests.model(nodes + [unknown]))
    #expect(message.components(separatedBy: "Flatten ‘").count == 12, "\(message)")
    #expect(message.hasSuffix("; and 9 more."), "\(message)")
  }

  /// Of an initialiser's data that are given twice the last count, in a file as in its bytes.
  @Test func dataGivenTwice() throws {
    func raw(_ count: Int) -> Onnx_TensorProto {
      .with { $0.rawData = Data(repeating: 0, count: 4 * count) }
    }
    var described = raw(512)
    (described.name, described.dims, described.dataType) = ("w", [1], 1)
    let initializer = try described.serializedData() + raw(1).serializedData()
    let graph = RefusalTests.model([RefusalTests.node("Add", ["x", "w"])])
    let bytes: [UInt8] = try graph.serializedBytes()
    let whole = Data(bytes) + Self.field(7, Self.field(5, initializer))

    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("convoy-\(UUID().uuidString).onnx").path
    try whole.write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try ONNXModel(path).model().graph.nodes.count == 1)
    #expect(try ONNXModel(Array(whole)).model().graph.nodes.count == 1)
  }

  /// A field of bytes: its key, its length in two bytes or more, itself.
  private static func field(_ number: UInt8, _ body: Data) -> Data {
    Data([number << 3 | 2, UInt8(body.count & 0x7F) | 0x80, UInt8(body.count >> 7)]) + body
  }
}
