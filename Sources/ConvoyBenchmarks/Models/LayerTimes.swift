public import ConvoyGraphs

/// The place of a layer's time in the measurement of a simplified network.
///
/// In the simplified network, batch norm and activations are part of the layer before them, and so
/// is their time.
public enum LayerTime: Hashable, Sendable {
  /// The layer has a time of its own.
  case own(ModelMeasurement.OperatorTime)
  /// The layer is computed as part of another, which is named.
  case within(String)
  /// The layer takes no time: it is removed for inference, or its output is a view of its input.
  case nothing
}

extension ModelMeasurement {
  /// The times of a network's layers.
  ///
  /// - Parameter graph: the original network, before `simplified()`.
  /// - Returns: one for each of the graph's nodes, in their order.
  /// - Complexity: O(*n*) in the number of nodes.
  public func layerTimes(of graph: Graph) -> [LayerTime] {
    let own = Dictionary(operators.map { ($0.name, $0) }) { first, _ in first }
    // For each value, the index of the last timed node that it depends on.
    var hosts: [ValueID: Int] = [:]
    var result: [LayerTime] = []
    for (position, node) in graph.nodes.enumerated() {
      var host = node.inputs.compactMap { hosts[$0] }.max()
      if let time = own[node.name] {
        result.append(.own(time))
        host = position
      } else if let host, graph.traits(of: node).effect == .computes {
        result.append(.within(graph.nodes[host].name))
      } else {
        result.append(.nothing)
      }
      for output in node.outputs { hosts[output] = host }
    }
    return result
  }

  /// The time that belongs to no layer: the conversions between row-major tensors and planes.
  ///
  /// - Parameter graph: the original network, before `simplified()`.
  public func millisecondsOutsideLayers(of graph: Graph) -> Double {
    let names = Set(graph.nodes.map(\.name))
    return operators.filter { !names.contains($0.name) }.reduce(0) { $0 + $1.milliseconds }
  }
}
