import ConvoyTensors
import Testing

@testable import ConvoyGraphs

/// Checking, rewriting, pruning and resizing graphs.
@Suite struct GraphTests {
  /// y = relu(conv(x)), with a branch that nothing reads.
  static func graph(batch: Int = 1) throws -> Graph {
    let builder = GraphBuilder()
    let image = builder.input("image", [batch, 2, 6, 6])
    let convolved = image.convolution(4, kernel: 3, name: "conv")
    _ = convolved.convolution(8, kernel: 1, name: "unread").sigmoid()
    builder.output("y", convolved.relu())
    return try builder.finish()
  }

  // MARK: Verify

  func expectFault(_ message: String, _ damage: (inout Graph) -> Void) throws {
    var graph = try Self.graph()
    damage(&graph)
    let error = #expect(throws: ConvoyError.self) { try graph.verify() }
    #expect(error?.message == message)
  }

  @Test func soundGraphsPass() throws {
    try Self.graph().verify()
    try Graph().verify()
    try graphOfEveryOperator().verify()
  }

  @Test func faultsAreFound() throws {
    try expectFault("unread reads conv, which is made only after it.") { $0.nodes.swapAt(0, 1) }
    try expectFault("conv is made twice.") { graph in
      let node = graph.nodes[0]
      graph.nodes.append(
        Graph.Node(
          name: "again", operation: node.operation, inputs: node.inputs, outputs: node.outputs))
    }
    try expectFault("No node makes elementwise_2.") { $0.nodes.removeLast() }
    try expectFault("Two nodes are named conv.") { graph in
      let node = graph.nodes[1]
      graph.nodes[1] = Graph.Node(
        name: "conv", operation: node.operation, inputs: node.inputs, outputs: node.outputs)
    }
    try expectFault("Two outputs are named y.") { $0.outputs.append($0.outputs[0]) }
    try expectFault("conv makes shapes [1×4×4×4], but its values have [1×4×5×5].") { graph in
      let index = graph.nodes[0].outputs[0].index
      graph.values[index] = Graph.ValueInfo(
        name: "conv", shape: [1, 4, 5, 5], type: .float32, origin: .computed)
    }
    try expectFault("image is updated, but is no parameter.") { graph in
      graph.updates = [Graph.Update(parameter: graph.inputs[0], value: graph.inputs[0])]
    }
    try expectFault(
      "The parameter conv.weight has shape 4×2×3×3 and cannot become image, of shape 1×2×6×6."
    ) { graph in
      graph.updates = [Graph.Update(parameter: graph.parameters[0], value: graph.inputs[0])]
    }
    try expectFault("The inputs are listed as [], but those that are given are [\"image\"].") {
      $0.inputs = []
    }
  }

  // MARK: Rewriting

  @Test func rewritingWithoutChangesOnlyPrunes() throws {
    let graph = try Self.graph()
    let rewritten = try graph.rewritten()
    #expect(rewritten.nodes.map(\.name) == ["conv", "elementwise_2"])
    #expect(rewritten.parameters.map { rewritten[$0].name } == ["conv.weight", "conv.bias"])
    let again = try rewritten.rewritten()
    #expect(try again.json() == rewritten.json())
    var random = Random(seed: 1)
    let image = ["image": ReferenceTensor(normal: [1, 2, 6, 6], using: &random)]
    let numbers = Network(graph).initialized(seed: 2).parameters.mapValues(ReferenceTensor.init)
    let given = image.merging(numbers) { a, _ in a }
    #expect(try rewritten.outputsByReference(given) == graph.outputsByReference(given))
  }

  @Test func transformsReplaceNodes() throws {
    let rewritten = try Self.graph().rewritten { node, inputs, _ in
      node.operation as? Elementwise == Elementwise(.relu) ? [inputs[0].tanh()] : nil
    }
    let functions = rewritten.nodes.compactMap { ($0.operation as? Elementwise)?.function }
    #expect(functions == [.tanh])
  }

  @Test func pruningKeepsWhatOutputsAndUpdatesNeed() throws {
    let builder = GraphBuilder()
    let used = builder.input("used", [2])
    let unused = builder.input("unused", [2])
    let state = builder.parameter("state", [2], Parameter(.constant(0), isTrainable: false))
    _ = builder.parameter("orphan", [2], Parameter(.he))
    _ = unused.tanh()
    builder.update(state, to: state + used.sigmoid())
    builder.output("y", used.relu())
    let pruned = try builder.finish().pruned()
    try pruned.verify()
    #expect(pruned.inputs.map { pruned[$0].name } == ["used", "unused"])
    #expect(pruned.parameters.map { pruned[$0].name } == ["state"])
    #expect(pruned.nodes.count == 3)
    #expect(pruned.updates.count == 1)
  }

  @Test func resizingChangesBatchAndExtents() throws {
    let graph = try Self.graph()
    let three = try graph.resized(batch: 3)
    #expect(three[three.outputs[0].value].shape == [3, 4, 4, 4])
    let larger = try graph.resized(["image": [1, 2, 9, 7]])
    #expect(larger[larger.outputs[0].value].shape == [1, 4, 7, 5])
    #expect(larger[larger.parameters[0]].shape == [4, 2, 3, 3])
  }

  @Test func batchesAreIndependent() throws {
    var random = Random(seed: 3)
    let graph = try Self.graph()
    let images = (0..<2).map { _ in ReferenceTensor(normal: [1, 2, 6, 6], using: &random) }
    let both = ReferenceTensor([2, 2, 6, 6], images[0].elements + images[1].elements)
    let numbers = Network(graph).initialized(seed: 4).parameters.mapValues(ReferenceTensor.init)
    func output(_ graph: Graph, _ image: ReferenceTensor) throws -> [Double] {
      let given = numbers.merging(["image": image]) { a, _ in a }
      return try #require(graph.outputsByReference(given)["y"]).elements
    }
    let pruned = try graph.rewritten()
    #expect(
      try output(pruned.resized(batch: 2), both)
        == output(pruned, images[0]) + output(pruned, images[1]))
  }

  @Test func refusesSizesThatDoNotFit() throws {
    func message(_ body: () throws -> Graph) -> String? {
      #expect(throws: ConvoyError.self) { try body() }?.message
    }
    let graph = try Self.graph()
    #expect(
      message { try graph.resized(["picture": [1, 2, 8, 8]]) }
        == "The graph has no input picture; its inputs are image.")
    #expect(
      message { try graph.resized(["image": [1, 2, 2, 8]]) }
        == "conv: expected an image of at least 3 with its padding in spatial dimension 1, "
        + "got 2 + 0 + 0.")
    #expect(
      message { try graph.resized(batch: 0) }
        == "A shape's extents must be at least 1, got 0×2×6×6.")
  }
}
