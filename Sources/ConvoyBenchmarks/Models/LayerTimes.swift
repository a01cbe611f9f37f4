public import ConvoyGraphs

/// Where the time of a layer is, as it stands in the network's description.
///
/// What runs is the simplified network, in which batch norm and activations are computed by the layer
/// before them; then that layer's time is theirs too.
public enum LayerTime: Hashable, Sendable {
  /// Steps of its own.
  case own(ModelMeasurement.OperatorTime)
  /// It is computed along with another layer, in whose time it is.
  case within(String)
  /// It costs nothing: it is left out when a network is only run, or its output is a view of its input.
  case nothing
}

extension ModelMeasurement {
  /// Where the times of a network's layers are.
  ///
  /// - Parameter graph: the network as it was described, before `simplified()`.
  /// - Returns: one for each of the graph's nodes, in their order.
  /// - Complexity: O(*n*) in the number of nodes.
  public func layerTimes(of graph: Graph) -> [LayerTime] {
    let own = Dictionary(operators.map { ($0.name, $0) }) { first, _ in first }
    // For each value, the position of the timed node it comes from last.
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

  /// What is no layer's: bringing numbers from the order of users' tensors to that of kernels, and back.
  ///
  /// - Parameter graph: the network as it was described.
  public func millisecondsOutsideLayers(of graph: Graph) -> Double {
    let names = Set(graph.nodes.map(\.name))
    return operators.filter { !names.contains($0.name) }.reduce(0) { $0 + $1.milliseconds }
  }
}
