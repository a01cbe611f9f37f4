import ConvoyTensors
import Testing

@testable import ConvoyGraphs

@Suite struct StandardizationTests {
  @Test(arguments: [[1], [0], [2, 3], [1, 2, 3], [0, 2], [0, 1, 2, 3]])
  func gradientsMatchDifferences(_ dimensions: [Int]) throws {
    var random = Random(seed: 41)
    for epsilon in [0.3, 1e-3] as [Float] {
      try expectGradientsMatchDifferences(
        of: Standardization(over: dimensions, epsilon: epsilon), inputs: [[2, 4, 3, 2]],
        random: &random)
    }
  }

  /// Mean 0 and variance 1, whatever the scale and shift of what comes in.
  @Test func momentsOfTheResult() throws {
    var random = Random(seed: 42)
    let image = ReferenceTensor(normal: [3, 40, 2], using: &random)
    let moved = ReferenceTensor(image.shape, image.elements.map { $0 * 7 - 3 })
    let operation = Standardization(over: [1, 2], epsilon: 0)
    let result = try referenceOutputs(of: operation, [image])[0]
    expectClose(try referenceOutputs(of: operation, [moved])[0], result)
    for group in 0..<3 {
      let elements = result.elements[group * 80..<(group + 1) * 80]
      #expect(abs(elements.reduce(0, +)) < 1e-9)
      #expect(abs(elements.reduce(0) { $0 + $1 * $1 } - 80) < 1e-9)
    }
  }

  /// By hand: of 1 and 3 the mean is 2 and the variance 1; with ε = 3 the deviation is 2.
  @Test func byHand() throws {
    let result = try referenceOutputs(
      of: Standardization(over: [1], epsilon: 3), [ReferenceTensor([2, 2], [1, 3, 5, 5])])[0]
    expectClose(result, ReferenceTensor([2, 2], [-0.5, 0.5, 0, 0]))
  }

  @Test func dimensionsAreSorted() {
    #expect(
      Standardization(over: [3, 1], epsilon: 1) == Standardization(over: [1, 3], epsilon: 1))
  }

  @Test func refusals() {
    for dimensions in [[], [4], [-1], [1, 1]] as [[Int]] {
      expectRefusal(
        of: Standardization(over: dimensions, epsilon: 1), inputs: [[2, 3, 4, 5]],
        "expected at least one dimension of 2×3×4×5, each once and counted from 0, "
          + "got \(dimensions)")
    }
    expectRefusal(
      of: Standardization(over: [1], epsilon: -1), inputs: [[2, 3]],
      "expected an epsilon of at least 0, got -1.0")
    expectRefusal(
      of: Standardization(over: [1], epsilon: 1), inputs: [[2, 3], [2, 3]],
      "expected 1 inputs, got 2")
    let error = #expect(throws: ConvoyError.self) {
      try Network(input: [6, 2, 2]) { $0.groupNormalization(groups: 4) }
    }
    #expect(
      error?.message
        == "groupNormalization1: expected a number of groups that divides the 6 channels, got 4.")
  }

  // MARK: Layers

  private func output(
    _ image: ReferenceTensor, _ layer: (Value) -> Value
  ) throws -> ReferenceTensor {
    let builder = GraphBuilder()
    builder.output("y", layer(builder.input("x", image.shape)))
    let graph = try builder.finish()
    #expect(graph.parameters.map { graph[$0].name } == ["norm.weight", "norm.bias"])
    #expect(graph.parameters.allSatisfy { graph[$0].shape == [image.shape[1]] })
    let channels = image.shape[1]
    let given = [
      "x": image,
      "norm.weight": ReferenceTensor([channels], (0..<channels).map { Double($0) + 1 }),
      "norm.bias": ReferenceTensor([channels], (0..<channels).map { -Double($0) }),
    ]
    return try #require(try graph.outputsByReference(given)["y"])
  }

  /// Of the layers' common part over some dimensions, times c + 1, minus c.
  private func expected(
    _ image: ReferenceTensor, groups: Int, over dimensions: [Int]
  ) throws -> ReferenceTensor {
    let grouped = Shape(
      [image.shape[0], groups, image.shape[1] / groups] + image.shape.dimensions.dropFirst(2))
    let normal = try referenceOutputs(
      of: Standardization(over: dimensions, epsilon: 1e-5),
      [ReferenceTensor(grouped, image.elements)])[0]
    var result = ReferenceTensor(image.shape, normal.elements)
    for position in image.shape.indices {
      let c = Double(position[1])
      result[position] = result[position] * (c + 1) - c
    }
    return result
  }

  @Test(arguments: [[2, 6, 3, 2], [3, 6, 5], [2, 6]] as [Shape])
  func layers(_ shape: Shape) throws {
    var random = Random(seed: 43)
    let image = ReferenceTensor(normal: shape, using: &random)
    let pixels = Array(3..<shape.rank + 1)
    expectClose(
      try output(image) { $0.layerNormalization(name: "norm") },
      try expected(image, groups: 1, over: [2]))
    expectClose(
      try output(image) { $0.groupNormalization(groups: 3, name: "norm") },
      try expected(image, groups: 3, over: [2] + pixels))
    guard shape.rank > 2 else { return }
    expectClose(
      try output(image) { $0.instanceNormalization(name: "norm") },
      try expected(image, groups: 1, over: pixels))
  }
}
