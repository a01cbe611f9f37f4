import ConvoyTensors

extension Model {
  /// The affine function of each channel that a node computes, if its numbers are constant: batch
  /// normalisation, or arithmetic with a number for each channel.
  func channelAffine(_ node: Graph.Node, _ reads: ReadCounts) -> ChannelAffine? {
    let numbers = node.inputs.map { fixedNumbers($0, reads) }
    let shapes = graph.shapes(of: node).inputs
    return switch node.operation.kind {
    case .channelAffine(let operation):
      operation.channelAffine(numbers: numbers, shapes: shapes)
    case .arithmetic(let function):
      Arithmetic(function).channelAffine(numbers: numbers, shapes: shapes)
    case .layer, .function, .exchange, .other: nil
    }
  }
}

/// How often each value of a graph is read, by nodes, as an output, or as the new value of a
/// parameter.
struct ReadCounts {
  private var counts: [Int]
  private var updated: Set<ValueID>

  init(_ graph: Graph) {
    counts = Array(repeating: 0, count: graph.values.count)
    let read =
      graph.nodes.flatMap(\.inputs) + graph.outputs.map(\.value) + graph.updates.map(\.value)
    for id in read { counts[id.index] += 1 }
    updated = Set(graph.updates.map(\.parameter))
  }

  subscript(id: ValueID) -> Int { counts[id.index] }

  func isUpdated(_ id: ValueID) -> Bool { updated.contains(id) }
}

extension Model {
  /// The numbers of a constant, or of a parameter that no run changes; nil for all others.
  func fixedNumbers(_ id: ValueID, _ reads: ReadCounts) -> Tensor? {
    switch graph[id].origin {
    case .parameter: reads.isUpdated(id) ? nil : parameters[graph[id].name]
    case .constant(let tensor): tensor
    case .input, .computed: nil
    }
  }
}

extension Graph.Origin {
  var isParameter: Bool {
    if case .parameter = self { true } else { false }
  }
}
