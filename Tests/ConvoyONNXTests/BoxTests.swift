import ConvoyTensors
import SwiftProtobuf
import Testing

@testable import ConvoyONNX

/// What a model finds is as many rows as there are, not as there can be.
@Suite struct BoxTests {
  /// Boxes x of shape 1×4×4, of which the last two are one, with scores and a least score.
  private func model(leastScore: Float, _ nodes: [Onnx_NodeProto] = []) -> Onnx_ModelProto {
    let suppression = RefusalTests.node(
      "NonMaxSuppression", ["x", "scores", "maximum", "overlap", "least"],
      nodes.isEmpty ? "y" : "found")
    var scores = RefusalTests.weights("scores", [1, 1, 4], 4)
    scores.floatData = [0.2, 0.9, 0.5, 0.6]
    var overlap = RefusalTests.weights("overlap", [1], 1)
    overlap.floatData = [0.5]
    var least = RefusalTests.weights("least", [1], 1)
    least.floatData = [leastScore]
    return RefusalTests.model(
      extents: [1, 4, 4],
      weights: [scores, RefusalTests.integers("maximum", [4]), overlap, least],
      [suppression] + nodes)
  }

  private func run(_ model: Onnx_ModelProto) throws -> Tensor {
    let boxes = try Tensor([1, 4, 4], [0, 0, 1, 1, 2, 0, 3, 1, 4, 0, 5, 1, 4, 0, 5, 1.1])
    let results = try ONNXModel(model.serializedBytes() as [UInt8]).run(["x": boxes])
    return try #require(results["y"])
  }

  @Test func rowsAreThoseThatWereFound() throws {
    let all = try run(model(leastScore: 0))
    #expect(all == (try Tensor([3, 3], elements: [0, 0, 1, 0, 0, 3, 0, 0, 0] as [Int64])))
    let few = try run(model(leastScore: 0.8))
    #expect(few == (try Tensor([1, 3], elements: [0, 0, 1] as [Int64])))
  }

  /// A tensor has at least one element.
  @Test func nothingFoundIsARowOfMinusOne() throws {
    let none = try run(model(leastScore: 1))
    #expect(none == (try Tensor([1, 3], elements: [-1, -1, -1] as [Int64])))
  }

  @Test func whatReadsThemIsRefused() throws {
    let same = try run(model(leastScore: 0.8, [RefusalTests.node("Identity", ["found"])]))
    #expect(same.shape == [1, 3])
    for type in ["Cast", "Shape", "Transpose"] {
      let reader = RefusalTests.node(type, ["found"], "y", type == "Cast" ? [.init("to", 1)] : [])
      let error = #expect(throws: ConvoyError.self) { try run(model(leastScore: 0, [reader])) }
      #expect(
        error?.message.contains(
          "it reads what ‘the NonMaxSuppression’ finds, whose number is known only after a run")
          == true)
    }
  }
}
