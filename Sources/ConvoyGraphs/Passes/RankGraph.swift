public import ConvoyTensors

extension Partition {
  /// The graph that a rank runs.
  ///
  /// - Throws: `ConvoyError` when an operator does not accept its share.
  public func graph(rank: Int) throws(ConvoyError) -> Graph {
    let own = RankGraphBuilder(self, rank: rank)
    var shapes: [String: Shape] = [:]
    for (name, dimension) in divided {
      guard let id = graph.value(named: name) else { continue }
      shapes[name] = try RankShare(.groups, ranks: ranks, rank: rank, dimension: dimension)
        .share(of: graph[id].shape)
    }
    var index = 0
    let rewritten = try graph.rewritten(parameterShapes: shapes) { node, inputs, builder in
      defer { index += 1 }
      return own.apply(node, modes[index], inputs, builder)
    }
    return try own.gatheringOutputs(of: rewritten)
  }
}

/// Builds a rank's graph: converts each value once to each form in which it is used.
private final class RankGraphBuilder {
  /// The form in which a value is used.
  private enum Form: Hashable {
    /// All channels, for nodes that every rank computes alike.
    case whole
    /// All channels, for nodes of which each rank computes a part.
    case wholeForShares
    /// The rank's own channels.
    case share
  }

  private struct Conversion: Hashable {
    var value: ValueID
    var form: Form
  }

  private let partition: Partition
  private let rank: Int
  private var made: [Conversion: Value] = [:]

  init(_ partition: Partition, rank: Int) {
    self.partition = partition
    self.rank = rank
  }

  /// A node as the rank computes it.
  func apply(
    _ node: Graph.Node, _ mode: Partition.Mode, _ inputs: [Value], _ builder: GraphBuilder
  ) -> [Value] {
    let graph = partition.graph
    let form: Form =
      switch mode {
      case .repeated: .whole
      case .share: .share
      case .outputs: .wholeForShares
      }
    let used = zip(node.inputs, inputs).map { id, value in
      graph[id].origin == .computed || graph[id].origin == .input
        ? use(id, value, as: form) : value
    }
    return apply(operation(node, mode), to: used, node, builder)
  }

  private func apply(
    _ operation: some Operator, to inputs: [Value], _ node: Graph.Node, _ builder: GraphBuilder
  ) -> [Value] {
    builder.apply(operation, to: inputs, name: node.name, outputCount: node.outputs.count)
  }

  /// The operator that computes the rank's share.
  private func operation(_ node: Graph.Node, _ mode: Partition.Mode) -> any Operator {
    guard mode == .share else { return node.operation }
    if case .layer(let layer) = node.operation.kind {
      return layer.divided(into: layer.groups / partition.ranks) ?? layer
    }
    // Whatever shape it has, it flattens.
    return partition.graph.traits(of: node).channels == .runs ? Reshape([0, -1]) : node.operation
  }

  private func use(_ id: ValueID, _ value: Value, as form: Form) -> Value {
    let isShare = partition.isShare[id.index]
    if form == .share, isShare || value.shape.rank < 2 { return value }
    if form == .whole, !isShare { return value }
    let conversion = Conversion(value: id, form: form)
    if let earlier = made[conversion] { return earlier }
    let ranks = partition.ranks
    let result =
      switch (form, isShare) {
      case (.share, _):
        value.applying(
          RankShare(.groups, ranks: ranks, rank: rank, dimension: 1), name: "\(value.name).share")
      case (_, true):
        value.applying(
          AllGather(
            .groups, ranks: ranks, rank: rank, dimension: 1, isRepeated: form == .whole),
          name: "\(value.name).\(form == .whole ? "whole" : "all")")
      case (_, false):
        value.applying(Replicated(.groups, ranks: ranks), name: "\(value.name).toRanks")
      }
    made[conversion] = result
    return result
  }

  /// The graph with whole outputs.
  func gatheringOutputs(of graph: Graph) throws(ConvoyError) -> Graph {
    let shares = zip(partition.graph.outputs, graph.outputs).filter {
      partition.isShare[$0.0.value.index]
    }
    guard !shares.isEmpty else { return graph }
    let builder = GraphBuilder(graph.withoutOutputs())
    for (old, new) in zip(partition.graph.outputs, graph.outputs) {
      let value = builder.value(new.value)
      let isShare = partition.isShare[old.value.index]
      builder.output(
        new.name,
        isShare
          ? value.applying(
            AllGather(
              .groups, ranks: partition.ranks, rank: rank, dimension: 1, isRepeated: true))
          : value)
    }
    return try builder.finish()
  }
}
