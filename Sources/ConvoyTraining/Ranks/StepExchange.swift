import ConvoyEngine
public import ConvoyGraphs
public import ConvoyKernels

/// An exchange of a training step.
public struct StepExchange: Hashable, Sendable {
  /// The name of the exchange's node.
  public let name: String
  /// The axis of the ranks that take part.
  public let axis: RankAxis
  /// The number of ranks that take part.
  public let ranks: Int
  /// The collective.
  public let collective: Collective
  /// Whether computation continues during the exchange.
  public let isOverlapped: Bool

  /// The exchange of a node; nil for a node that sends nothing.
  init?(_ node: Graph.Node, in graph: Graph) {
    let (inputs, outputs) = graph.shapes(of: node)
    guard case .exchange(let operation) = node.operation.kind, operation.ranks > 1,
      let collective = operation.collective(inputs: inputs, outputs: outputs)
    else { return nil }
    name = node.name
    axis = operation.axis
    ranks = operation.ranks
    self.collective = collective
    isOverlapped = operation.phase == .beginning
  }
}

extension Graph {
  /// The exchanges of the nodes, in order.
  var exchanges: [StepExchange] { nodes.compactMap { StepExchange($0, in: self) } }
}
