import ConvoyTensors
import Testing

@testable import ConvoyGraphs

/// Nodes whose inputs are known are evaluated in the types of their values.
@Suite struct EvaluationTests {
  /// Integers that Double does not hold.
  private let large: [Int64] = [.max, .min, 1 << 53 + 1, -(1 << 53) - 1, 0, -1]

  private func evaluated(
    _ inputs: [Tensor], _ build: (GraphBuilder, [Value]) -> Value
  ) throws -> Tensor {
    let builder = GraphBuilder()
    let values = inputs.enumerated().map { builder.input("x\($0)", $1.shape, type: $1.type) }
    builder.output("y", build(builder, values))
    let graph = try builder.finish()
    let node = try #require(graph.nodes.last)
    return try #require(graph.evaluated(node, inputs).first)
  }

  @Test func movedIntegersStayExact() throws {
    let tensor = try Tensor([2, 3], elements: large)
    let transposed = try evaluated([tensor]) { builder, values in
      builder.apply(Transpose(permutation: [1, 0]), to: values)[0]
    }
    #expect(try transposed.elements(as: Int64.self) == [0, 3, 1, 4, 2, 5].map { large[$0] })
    let joined = try evaluated([tensor, tensor]) { builder, values in
      builder.apply(Concatenation(dimension: 0), to: values)[0]
    }
    #expect(try joined.elements(as: Int64.self) == large + large)
    let padded = try evaluated([tensor]) { builder, values in
      builder.apply(Pad(before: [0, 1], after: [0, 0], value: -7), to: values)[0]
    }
    #expect(try padded.elements(as: Int64.self) == [-7] + large[..<3] + [-7] + large[3...])
    let reshaped = try evaluated([tensor]) { builder, values in
      builder.apply(Reshape([-1]), to: values)[0]
    }
    #expect(try reshaped.elements(as: Int64.self) == large)
  }

  @Test func comparisonsAreExact() throws {
    let a = try Tensor([6], elements: large)
    let b = try Tensor([6], elements: large.map { $0 &+ 1 })
    for relation in Comparison.Relation.allCases {
      let made = try evaluated([a, b]) { $1[0].compared(relation, to: $1[1]) }
      let expected = large.map { x in
        let y = x &+ 1
        return switch relation {
        case .equal: x == y
        case .less: x < y
        case .lessOrEqual: x <= y
        case .greater: x > y
        case .greaterOrEqual: x >= y
        }
      }
      #expect(try made.elements(as: Bool.self) == expected)
    }
  }

  @Test func selectionKeepsEveryType() throws {
    let condition = try Tensor([2, 1], elements: [true, false])
    for type in ElementType.allCases {
      let a = try Tensor([3], [1, 0, 1]).converted(to: type)
      let b = try Tensor([], [1]).converted(to: type)
      let made = try evaluated([a, b, condition]) { $1[0].selected(where: $1[2], else: $1[1]) }
      #expect(made == (try Tensor([2, 3], [1, 0, 1, 1, 1, 1]).converted(to: type)))
    }
  }
}
